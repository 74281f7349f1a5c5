import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import { WorkflowSimulation } from './simulate-workflows.ts'
import { WORKFLOW_FAULTS } from './workflow-faults.ts'

/** More with CARILLON_SIMULATION_SEEDS; one alone with CARILLON_SIMULATION_SEED. */
const SEEDS = Number(process.env['CARILLON_SIMULATION_SEEDS'] ?? 20)
const ONE = process.env['CARILLON_SIMULATION_SEED']
/** A planted fault must be found within so many. */
const SEEDS_FOR_A_FAULT = 400

const seedsOf = (share: number) => (ONE ? [Number(ONE)] : Array.from({ length: Math.ceil(SEEDS * share) }, (_, i) => i + 1))
const replay = (seed: number) =>
  `replay it: CARILLON_SIMULATION_SEED=${seed} node --test services/coordinator/dist/testing/simulation/workflows/simulate-workflows.test.js`

async function openFor(context: TestContext): Promise<Store> {
  const store = await openStore('sqlite::memory:')
  context.after(async () => {
    for (let i = 0; i < 100; i++) await settle()
    await store.close()
  })
  return store
}

test('workflows become what the rules say, whatever fails on the way', async (context) => {
  const store = await openFor(context)
  for (const seed of seedsOf(1)) assert.deepEqual(await new WorkflowSimulation({ seed, store }).run(), [], replay(seed))
})

test('the same without a single notification: what is due drives them', async (context) => {
  const store = await openFor(context)
  for (const seed of seedsOf(0.2))
    assert.deepEqual(await new WorkflowSimulation({ seed, store, notifications: 'none' }).run(), [], replay(seed))
})

for (const [name, fault] of Object.entries(WORKFLOW_FAULTS))
  test(`it is found out: ${name}`, { skip: ONE !== undefined }, async (context) => {
    const store = await openFor(context)
    for (let seed = fault.seed; seed < fault.seed + SEEDS_FOR_A_FAULT; seed++) {
      const violations = await new WorkflowSimulation({ seed, store, fault }).run()
      if (violations.some((violation) => fault.leadsTo.test(violation))) return context.diagnostic(`found with seed ${seed}`)
    }
    assert.fail(`not found within ${SEEDS_FOR_A_FAULT} seeds`)
  })
