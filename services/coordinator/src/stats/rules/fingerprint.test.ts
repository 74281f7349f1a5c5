import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fingerprintOf } from './fingerprint.ts'

const of = (message: string, name = 'Error') => fingerprintOf({ name, message })

test('failures that differ in numbers, ids, addresses and paths are one group', () => {
  const groups: readonly (readonly string[])[] = [
    ['order 17 is unknown', 'order 4711 is unknown'],
    ['connect ECONNREFUSED 10.0.0.1:5432', 'connect ECONNREFUSED 10.0.7.21:5433'],
    ['run 01m8g95nd900008v952gzzhmnd failed', 'run 01m8g95nd900008v952gzzhabc failed'],
    ['no 6c84fb90-12c4-11e1-840d-7b25c5ee775a', 'no 00000000-12c4-11e1-840d-7b25c5ee775a'],
    ['GET https://example.com/a?b=1 answered 503', 'GET http://other.example/x answered 500'],
    ['cannot read /srv/data/a.txt', 'cannot read /home/me/b.txt'],
    ['took 1.5 s\n  first detail', 'took 20 s\n  other detail'],
  ]
  for (const [one = '', other = ''] of groups) assert.equal(of(one), of(other))
  assert.notEqual(of('no money'), of('no customer'))
  assert.notEqual(of('no money'), of('no money', 'TypeError'))
})

test('a message of any length is masked at once', () => {
  const begun = process.hrtime.bigint()
  for (const message of [
    'a1'.repeat(500_000),
    '/'.repeat(500_000),
    '1.'.repeat(500_000),
    `a://${'x'.repeat(500_000)}`,
    '-1-'.repeat(300_000),
  ])
    assert.ok(of(message).length < 200)
  assert.ok(Number(process.hrtime.bigint() - begun) / 1e6 < 1_000)
})
