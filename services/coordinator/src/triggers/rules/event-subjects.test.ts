import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkEventSubject, covers, smallestCover } from './event-subjects.ts'

test('subjects that would loop, or are not ours to read, are refused', () => {
  for (const subject of ['orders.created', 'orders.*.paid', 'orders.>', 'a', 'carillon.default.event.job.>', 'carillonish.work.x'])
    checkEventSubject('default', subject)
  for (const subject of [
    '',
    'orders..created',
    'orders.>.x',
    'or ders',
    'orders*',
    '>',
    '*.created',
    '$JS.API.>',
    '$KV.carillon_presence.>',
    '_INBOX.x',
    'carillon',
    'carillon.>',
    'carillon.*.event.>',
    'carillon.other.event.>',
    'carillon.default.>',
    'carillon.default.*.x',
    'carillon.default.event.>',
    'carillon.default.event.message.>',
    'carillon.default.work.>',
    'carillon.default.trigger.x',
    'carillon.default.report.>',
    'carillon.default.log.>',
  ])
    assert.throws(() => checkEventSubject('default', subject), { code: 'INVALID_REQUEST' }, subject)
})

test('a pattern covers what it matches', () => {
  const pairs: [string, string, boolean][] = [
    ['a.b', 'a.b', true],
    ['a.*', 'a.b', true],
    ['a.*', 'a.*', true],
    ['a.*', 'a.>', false],
    ['a.>', 'a.*', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['a.b', 'a.*', false],
    ['a.*', 'a.b.c', false],
    ['a.*.c', 'a.b.c', true],
  ]
  for (const [outer, inner, is] of pairs) assert.equal(covers(outer, inner), is, `${outer} ${inner}`)
  assert.deepEqual(smallestCover(['a.b', 'a.*', 'c', 'a.>', 'c']), ['a.>', 'c'])
})
