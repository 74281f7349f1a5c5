import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChangeValue } from '@carillon/store'
import { appeared, markedVersions, marksOf } from './marks.ts'
import { addValues, CHANGES_KEPT, changeKey, emptyTally } from './rollup.ts'

const put = (job: string, at: number): ChangeValue => ({ at, kind: 'put', job, revision: 1 })
const version = (service: string, name: string, since: number) => ({ service, version: name, since, handlers: ['work'] })

test('changes of one kind in one interval are one mark; those before the first, and of a clock that is ahead, are none', () => {
  const changes = [put('c', 29), put('a', 21), { at: 22, kind: 'paused', job: 'a' } as const, put('b', 12), put('x', 9), put('y', 31)]
  assert.deepEqual(marksOf(changes, { starts: [10, 20], now: 30 }), [
    { at: iso(12), kind: 'put', count: 1, items: [{ at: iso(12), job: 'b', revision: 1 }] },
    {
      at: iso(21),
      kind: 'put',
      count: 2,
      items: [
        { at: iso(21), job: 'a', revision: 1 },
        { at: iso(29), job: 'c', revision: 1 },
      ],
    },
    { at: iso(22), kind: 'paused', count: 1, items: [{ at: iso(22), job: 'a' }] },
  ])
})

test('a change that is read twice is one; of many of one kind the newest are kept, and the mark says that there may be more', () => {
  const tally = emptyTally()
  for (let n = 0; n < 100; n++)
    for (const _ of [1, 2]) addValues(tally, { ...emptyTally(), changes: { [changeKey(put(`job-${n}`, n))]: put(`job-${n}`, n) } })
  addValues(tally, { ...emptyTally(), changes: { k: { at: 1, kind: 'paused', job: 'a' } } })
  const marks = marksOf(Object.values(tally.changes ?? {}), { starts: [0], now: 100 })
  assert.deepEqual(
    marks.map(({ kind, count, isMore, items }) => [kind, count, isMore, items.length]),
    [
      ['paused', 1, undefined, 1],
      ['put', CHANGES_KEPT, true, 10],
    ],
  )
})

test('a version is marked when it comes, and when it comes back; not while a service is gone, nor when it declares none', () => {
  const first = appeared(new Map(), [version('a', '1', 5), version('b', '0.0.0', 6)])
  assert.deepEqual(first.changes, [{ at: 5, kind: 'version', service: 'a', version: '1', handlers: ['work'] }])
  const rolling = appeared(first.known, [version('a', '1', 5), version('a', '2', 7)])
  assert.deepEqual(rolling.changes.map(changeKey), ['version/a/2/7'])
  const done = appeared(rolling.known, [version('a', '2', 7)])
  const restarted = appeared(appeared(done.known, []).known, [version('a', '2', 9)])
  assert.deepEqual([done.changes, restarted.changes], [[], []])
  assert.deepEqual(appeared(restarted.known, [version('a', '1', 11)]).changes.map(changeKey), ['version/a/1/11'], 'rolled back')
  assert.deepEqual(appeared(markedVersions([...first.changes, ...rolling.changes]), [version('a', '2', 12)]).changes, [])
})

const iso = (ms: number) => new Date(ms).toISOString()
