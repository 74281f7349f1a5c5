import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import type { Mode } from '../../../modes/mode.ts'
import { replaced } from '../workflows/history.ts'
import type { WorkflowFault } from '../workflows/workflow-faults.ts'
import { ChildrenSimulation } from './simulate-children.ts'

/** More with CARILLON_SIMULATION_SEEDS; one alone with CARILLON_SIMULATION_SEED. */
const SEEDS = Number(process.env['CARILLON_SIMULATION_SEEDS'] ?? 12)
const ONE = process.env['CARILLON_SIMULATION_SEED']

/** Turns of the event loop that a write takes where it is to be overtaken. */
const SLOW_TURNS = 20

test('workflows within workflows, and lists, become what the rules say, and each child run is started once, whatever fails on the way', async (context) => {
  const seeds = ONE ? [Number(ONE)] : Array.from({ length: SEEDS }, (_, i) => i + 1)
  for (const seed of seeds) {
    // All runs in it are judged.
    const store = await openStore('sqlite::memory:')
    context.after(() => store.close())
    assert.deepEqual(await new ChildrenSimulation({ seed, store }).run(), [], `CARILLON_SIMULATION_SEED=${seed}`)
    for (let i = 0; i < 20; i++) await settle()
  }
})

/** What the plan of a workflow does about its child runs, left out where it is being cancelled. */
const withoutCancel = (workflow: Mode): Mode => ({
  ...workflow,
  plan: (facts) => workflow.plan(facts).filter((effect) => facts.run.state !== 'cancelling' || effect.do !== 'settle-children'),
})

const FAULTS: Readonly<Record<string, WorkflowFault>> = {
  'each coordinator has ids of its own for child runs': {
    store: (store, coordinator) => ({
      ...store,
      runs: replaced(store.runs, {
        insert: (runs) => store.runs.insert(runs.map((run) => (run.parentTask && coordinator === 1 ? { ...run, id: `${run.id}x` } : run))),
      }),
      describe: () => store.describe(),
    }),
    leadsTo: /has \d+ child runs for|never ended/,
    seed: 2,
  },
  'a new task is not checked': {
    store: (store) => ({
      ...store,
      tasks: replaced(store.tasks, {
        insert: async (tasks) => {
          // Slowly: their run is more often cancelled, and their coordinator dead, before they are there.
          for (let turns = 0; turns < SLOW_TURNS; turns++) await settle()
          return store.tasks.insert(tasks.map((task) => ({ ...task, wakeAt: null })))
        },
      }),
      describe: () => store.describe(),
    }),
    leadsTo: /task \S+ never ended/,
    seed: 6,
  },
  'a cancel does not go down to child runs': {
    modes: (modes) => ({ ...modes, workflow: withoutCancel(modes.workflow) }),
    leadsTo: /never ended/,
    seed: 5,
  },
  'a pause does not go down to child runs': {
    coordinator: ({ parents }) => void Object.assign(parents, { changed: () => undefined, begin: () => undefined, check: async () => [] }),
    leadsTo: /began while the run was paused/,
    seed: 16,
  },
}

for (const [name, fault] of Object.entries(FAULTS))
  test(`it is found out: ${name}`, { skip: ONE !== undefined }, async (context) => {
    for (let seed = fault.seed; seed < fault.seed + 100; seed++) {
      const store = await openStore('sqlite::memory:')
      context.after(() => store.close())
      const violations = await new ChildrenSimulation({ seed, store, fault }).run()
      if (violations.some((violation) => fault.leadsTo.test(violation))) return context.diagnostic(`found with seed ${seed}`)
    }
    assert.fail('not found within 100 seeds')
  })
