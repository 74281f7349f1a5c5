import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { OpenWork } from './open-work.ts'

const QUEUED = { state: 'queued', queuedAt: 1, wakeAt: null } as const
const BEGUN = { state: 'running', queuedAt: null, wakeAt: 9 } as const
const CHANGES: { name: string; before: Partial<RunRecord>; set: Partial<RunRecord> }[] = [
  { name: 'begins', before: QUEUED, set: BEGUN },
  { name: 'is queued when its delay is over', before: { state: 'delayed', queuedAt: null, wakeAt: 9 }, set: QUEUED },
  { name: 'is declined by the instance that it was assigned to', before: { ...QUEUED, queuedAt: null, wakeAt: 9 }, set: QUEUED },
  { name: 'is let through its gate', before: { state: 'waiting', gate: 'gate-1', gateOrder: 1, queuedAt: null }, set: QUEUED },
]

/** A store whose run changes before the n-th read of what is open. */
function changingBefore(n: number, store: Store, change: () => Promise<unknown>): Pick<Store, 'stats' | 'runs'> {
  let reads = 0
  const openRuns: Store['stats']['openRuns'] = async (query) => {
    if (++reads === n) await change()
    return store.stats.openRuns(query)
  }
  const { stats } = store
  return { runs: store.runs, stats: { openRuns, openTasks: (query) => stats.openTasks(query) } as Store['stats'] }
}

for (const { name, before, set } of CHANGES)
  test(`a run that ${name} while what is open is read is counted once`, async (t) => {
    for (const n of [1, 2, 3, 4, 5]) {
      const store = await openStore('sqlite::memory:')
      t.after(() => store.close())
      const run = aRun(1, before)
      await store.runs.insert([run])
      const expect = { state: [run.state], attempt: run.attempt }
      const change = async () => assert.deepEqual(await store.runs.update([{ id: run.id, expect, set }]), ['applied'])
      const { lives } = await new OpenWork({ store: changingBefore(n, store, change), clock: new FakeClock() }).read()
      assert.equal(lives.length, 1, `before read ${n}`)
    }
  })
