import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore, type Store } from '@carillon/store'
import { aRollup } from '@carillon/store/testing'
import { RankedSums } from './ranked-sums.ts'
import { firstMark } from './rules/mark.ts'

const DAY_MS = 86_400_000
const FROM = Date.parse('2026-11-01T00:00:00Z')

test('sums of days that are over are read once, that of today each time; when the broker has lost events, all of them are read again', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const put = (days: readonly number[], n: number) =>
    store.stats.put(
      days.map((day) => ({ rollup: aRollup(n, { level: 'day', start: FROM + day * DAY_MS, scope: `job:${day % 2}` }), expect: null })),
    )
  await put([0, 1, 2, 3, 4], 2)
  const read: number[] = []
  const sums: Store['stats']['sums'] = (query) => {
    read.push((query.from - FROM) / DAY_MS)
    return store.stats.sums(query)
  }
  const stats = Object.assign(Object.create(store.stats) as Store['stats'], { sums })
  const ranked = new RankedSums({ store: { stats } })
  const now = FROM + 4.5 * DAY_MS
  const of = async (stream: number, isOwed = false) => {
    read.length = 0
    const mark = { ...firstMark({ stream, first: 1, last: 1 }), at: now, revision: 1, isOwed }
    const found = await ranked.of({ namespace: 'default', level: 'day', from: FROM, before: now }, mark)
    return [found.map(({ scope, ended, runMaxMs }) => `${scope} ${ended} ${runMaxMs}`).sort(), [...read]]
  }
  const whole = ['job:0 6 10', 'job:1 4 10']
  assert.deepEqual(await of(1), [whole, [0, 1, 2, 3, 4]])
  assert.deepEqual(await of(1), [whole, [4]])
  assert.deepEqual(await of(2, true), [whole, [0, 1, 2, 3, 4]], 'they are about to be counted again')
  assert.deepEqual(await of(2), [whole, [0, 1, 2, 3, 4]])
  assert.deepEqual(await of(2), [whole, [4]])
})
