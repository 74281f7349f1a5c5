import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import { ASSIGNMENT_FAULTS } from './assignment-faults.ts'
import { FAULTS } from './faults.ts'
import { Simulation } from './simulate.ts'

/** More with CARILLON_SIMULATION_SEEDS; one alone with CARILLON_SIMULATION_SEED. */
const SEEDS = Number(process.env['CARILLON_SIMULATION_SEEDS'] ?? 30)
const ONE = process.env['CARILLON_SIMULATION_SEED']
/** A planted fault must be found within so many. */
const SEEDS_FOR_A_FAULT = 400

const seeds = ONE ? [Number(ONE)] : Array.from({ length: SEEDS }, (_, i) => i + 1)

const replay = (seed: number) =>
  `replay it: CARILLON_SIMULATION_SEED=${seed} node --test services/coordinator/dist/testing/simulation/simulation.test.js`

/** Turns of the event loop after which nothing of a simulation is under way. */
const LAST_TURNS = 100

async function openFor(context: TestContext): Promise<Store> {
  const store = await openStore('sqlite::memory:')
  context.after(async () => {
    for (let i = 0; i < LAST_TURNS; i++) await settle()
    await store.close()
  })
  return store
}

test(`fan-out runs come to a good end, whatever fails on the way`, async (context) => {
  const store = await openFor(context)
  for (const seed of seeds) assert.deepEqual(await new Simulation({ seed, store }).run(), [], replay(seed))
})

test(`runs with one task that are assigned to an instance, or pulled by one, come to a good end`, async (context) => {
  const store = await openFor(context)
  for (const seed of seeds) assert.deepEqual(await new Simulation({ seed, store, isSingle: true }).run(), [], replay(seed))
})

for (const [name, fault] of Object.entries({ ...FAULTS, ...ASSIGNMENT_FAULTS }))
  test(`it is found out: ${name}`, { skip: ONE !== undefined }, async (context) => {
    const store = await openFor(context)
    const { leadsTo = /./, seed: first = 1 } = fault
    for (const seed of [first, ...Array.from({ length: SEEDS_FOR_A_FAULT }, (_, i) => i + 1)]) {
      const violations = await new Simulation({ seed, store, fault }).run()
      if (violations.some((violation) => leadsTo.test(violation))) return context.diagnostic(`found with seed ${seed}`)
    }
    assert.fail(`not found within ${SEEDS_FOR_A_FAULT} seeds`)
  })
