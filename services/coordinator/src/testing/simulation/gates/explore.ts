import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import type { GateFault } from './gate-faults.ts'

/** More with CARILLON_SIMULATION_SEEDS; one alone with CARILLON_SIMULATION_SEED. */
const SEEDS = Number(process.env['CARILLON_SIMULATION_SEEDS'] ?? 50)
const ONE = process.env['CARILLON_SIMULATION_SEED']
const SEEDS_FOR_A_FAULT = 300

/** Plays a simulation; answers what was violated. */
type Play = (options: { seed: number; store: Store; fault?: GateFault }) => Promise<string[]>

interface Exploration {
  readonly play: Play
  /** The part of all seeds that it plays: one takes longer than one of fan-out runs. */
  readonly share: number
  readonly faults: Readonly<Record<string, GateFault>>
}

/** Defines the tests of a simulation: no seed violates anything, and each planted fault is found for its own reason. */
export function explore(what: string, { play, share, faults }: Exploration): void {
  test(what, async (context) => {
    const seeds = ONE ? [Number(ONE)] : Array.from({ length: Math.ceil(SEEDS * share) }, (_, i) => i + 1)
    const store = await openFor(context)
    for (const seed of seeds) assert.deepEqual(await play({ seed, store }), [], `CARILLON_SIMULATION_SEED=${seed}`)
  })
  for (const [name, fault] of Object.entries(faults))
    test(`it is found out: ${name}`, { skip: ONE !== undefined }, async (context) => {
      const store = await openFor(context)
      for (let i = 0; i < SEEDS_FOR_A_FAULT; i++) {
        const seed = fault.seed + i
        const violations = await play({ seed, store, fault })
        if (violations.some((violation) => fault.leadsTo.test(violation))) return context.diagnostic(`found with seed ${seed}`)
      }
      assert.fail(`not found within ${SEEDS_FOR_A_FAULT} seeds`)
    })
}

async function openFor(context: TestContext): Promise<Store> {
  const store = await openStore('sqlite::memory:')
  context.after(async () => {
    for (let i = 0; i < 100; i++) await settle()
    await store.close()
  })
  return store
}
