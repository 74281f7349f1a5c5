import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FakeClock } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import { aJob } from '@carillon/store/testing'
import { ReadStats } from './read-stats.ts'
import { groupEnds, recordOf } from './rules/group-ends.ts'
import type { ChangeFacts, EndedFacts } from './rules/rollup.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS

async function counted(t: TestContext, ends: readonly EndedFacts[], changes: readonly ChangeFacts[]) {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const records = [...groupEnds(ends, changes)].map(({ place, tally }) => recordOf(place, tally, { stream: 1, upTo: 1, revision: 1 }))
  await store.stats.put(records.map((rollup) => ({ rollup, expect: null })))
  return store
}

const anEnd = (at: number, fields: Partial<EndedFacts> = {}): EndedFacts => ({
  ...{ sequence: 1, namespace: 'default', runId: 'run', job: 'report', handler: 'work', state: 'succeeded', reason: 'completed' },
  ...{ attempt: 1, at, waitedMs: 1, ranMs: 10, lateMs: undefined, retries: 0, failure: undefined },
  ...fields,
})

test('the same hours of last week stand beside those of today, with what has changed', async (t) => {
  const clock = new FakeClock()
  const now = clock.now()
  const ends = [
    ...Array.from({ length: 6 }, () => anEnd(now - 30 * MINUTE_MS)),
    ...Array.from({ length: 4 }, () => anEnd(now - 30 * MINUTE_MS - 7 * DAY_MS, { ranMs: 40 })),
    anEnd(now - 30 * MINUTE_MS - 7 * DAY_MS, { job: 'other', state: 'failed', reason: 'handler-error' }),
  ]
  const change = (job: string, at: number) =>
    ({ namespace: 'default', job, change: { at, kind: 'put', job, revision: 2, by: 'ops' } }) as const
  const store = await counted(t, ends, [change('report', now - 10 * MINUTE_MS), change('other', now - 9 * MINUTE_MS)])
  await store.jobs.insert(aJob('report', { handler: 'work' }))
  const stats = new ReadStats({ store, clock })
  for (const range of ['1h', '24h', '7d', '30d'] as const) {
    const { totals, compared, marks } = await stats.overview('default', { range, zone: 'UTC', compare: '7d' })
    const isWide = range === '7d' || range === '30d'
    assert.equal(totals.ended, range === '30d' ? 11 : 6, range)
    assert.deepEqual([compared?.totals.ended, compared?.totals.states.failed], [5, 1], range)
    assert.equal(compared?.offsetMs, 7 * DAY_MS)
    assert.equal(
      compared?.points.reduce((sum, { ended }) => sum + ended, 0),
      5,
    )
    assert.deepEqual(marks.flatMap(({ kind, items }) => items.map(({ job, by }) => `${kind} ${job} ${by}`)).sort(), [
      'put other ops',
      'put report ops',
    ])
    if (isWide) assert.equal(marks.length, 1)
    const of = await stats.job('default', { name: 'report', range, zone: 'UTC', compare: '7d' })
    assert.deepEqual([of.compared?.totals.ended, of.compared?.totals.runMs.max], [4, 40])
    assert.deepEqual(
      of.marks.flatMap(({ items }) => items.map(({ job }) => job)),
      ['report'],
    )
  }
  const plain = await stats.overview('default', { range: '24h', zone: 'UTC' })
  assert.equal(plain.compared, undefined)
})
