import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import { COALESCING_FAULTS } from './coalescing-faults.ts'
import { CoalescingSimulation } from './simulate-coalescing.ts'

/** More with CARILLON_SIMULATION_SEEDS; one alone with CARILLON_SIMULATION_SEED. */
const SEEDS = Math.ceil(Number(process.env['CARILLON_SIMULATION_SEEDS'] ?? 100) / 5)
const ONE = process.env['CARILLON_SIMULATION_SEED']
const SEEDS_FOR_A_FAULT = 300

async function openFor(context: TestContext): Promise<Store> {
  const store = await openStore('sqlite::memory:')
  context.after(async () => {
    for (let i = 0; i < 100; i++) await settle()
    await store.close()
  })
  return store
}

test('debounce, throttle and batches: each trigger starts, or another run for it, by the rule', async (context) => {
  const seeds = ONE ? [Number(ONE)] : Array.from({ length: SEEDS }, (_, i) => i + 1)
  const store = await openFor(context)
  for (const seed of seeds) {
    const violations = await new CoalescingSimulation({ seed, store }).run()
    assert.deepEqual(violations, [], `CARILLON_SIMULATION_SEED=${seed}`)
  }
})

for (const [name, fault] of Object.entries(COALESCING_FAULTS))
  test(`it is found out: ${name}`, { skip: ONE !== undefined }, async (context) => {
    const store = await openFor(context)
    for (let i = 0; i < SEEDS_FOR_A_FAULT; i++) {
      const seed = fault.seed + i
      const violations = await new CoalescingSimulation({ seed, store, fault }).run()
      if (violations.some((violation) => fault.leadsTo.test(violation))) return context.diagnostic(`found with seed ${seed}`)
    }
    assert.fail(`not found within ${SEEDS_FOR_A_FAULT} seeds`)
  })
