import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore, type RollupRecord, type RunRecord, type Store } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { RecountEnds } from './recount-ends.ts'
import { counted, type EndsOfPlace, groupEnds } from './rules/group-ends.ts'
import type { Mark } from './rules/mark.ts'
import { factsOfRun } from './rules/recount.ts'

const AT = Date.parse('2026-11-27T10:00:00Z')
const NEVER = new AbortController().signal
/** Everything that ended before `since` is owed; counting goes on behind sequence 100 of stream 2. */
const MARK: Mark = { stream: 2, made: 1, upTo: 100, at: AT, revision: 1, since: AT + 10_000, isOwed: true }

function endedRun(n: number, endedAt: number): RunRecord {
  const times = { createdAt: AT - 1_000, firstStartedAt: endedAt - 10, startedAt: endedAt - 10, endedAt }
  return aRun(n, { id: `run-${n}`, state: 'succeeded', reason: 'completed', ...times, queuedAt: null, wakeAt: null })
}

/** Counts an end from its event, in the documents of some levels alone: the process dies in the middle of a bulk, or another one reads meanwhile. */
async function countEvent(store: Store, run: RunRecord, { levels, sequence }: { levels: readonly string[]; sequence: number }) {
  const end = factsOfRun(run, sequence)
  assert.ok(end)
  const groups = [...groupEnds([end])].filter(({ place }) => levels.includes(place.level))
  const stored = await store.stats.get(groups.map(({ place }) => place.id))
  const changes = groups.map((group: EndsOfPlace, i) => {
    const rollup = counted(stored[i], group, { stream: 2, from: 101, upTo: sequence }) as RollupRecord
    return { rollup, expect: stored[i]?.revision ?? null }
  })
  assert.deepEqual(
    await store.stats.put(changes),
    changes.map(() => 'applied'),
  )
}

const ended = async (store: Store, run: RunRecord) => {
  const end = factsOfRun(run)
  const places = end ? [...groupEnds([end])].map(({ place }) => place) : []
  const records = await store.stats.get(places.map(({ id }) => id))
  return Object.fromEntries(places.flatMap(({ level, scope }, i) => (scope === '*' ? [[level, records[i]?.ended ?? 0]] : [])))
}

test('a second coordinator that still recounts gives up when the first one is done and counts events', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const runs = [endedRun(1, AT + 1_000), endedRun(2, AT + 2_000)]
  const later = endedRun(3, AT + 11_000)
  await store.runs.insert([...runs, later])
  const first = new RecountEnds({ store })
  const second = new RecountEnds({ store })
  assert.equal(await first.execute(MARK, NEVER), 2)
  await countEvent(store, later, { levels: ['minute'], sequence: 101 })
  assert.equal(await second.execute(MARK, NEVER), undefined)
  assert.deepEqual(await ended(store, later), { minute: 3, quarter: 2, hour: 2, day: 2 })
  await countEvent(store, later, { levels: ['quarter', 'hour', 'day'], sequence: 101 })
  assert.deepEqual(await ended(store, later), { minute: 3, quarter: 3, hour: 3, day: 3 })
})

test('a coordinator that has read events before they were lost counts none of them when the runs are counted', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const run = endedRun(1, AT + 1_000)
  await store.runs.insert([run])
  await new RecountEnds({ store }).execute(MARK, NEVER)
  const end = factsOfRun(run, 7)
  const [group] = groupEnds(end ? [end] : [])
  assert.ok(group)
  const [stored] = await store.stats.get([group.place.id])
  assert.equal(counted(stored, group, { stream: 1, from: 1, upTo: 9 }), 'stale')
})
