import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@carillon/wire/testing'
import { Isolation } from './isolation.ts'

const holder = {}

test('nothing else begins while a task waits to run alone or does', () => {
  const isolation = new Isolation(new FakeClock())
  assert.deepEqual([isolation.isClosed, isolation.isRequested], [false, false])
  isolation.request()
  assert.deepEqual([isolation.isClosed, isolation.isRequested, isolation.isTaken], [true, true, false])
  isolation.take(holder)
  assert.deepEqual([isolation.isClosed, isolation.isRequested, isolation.isTaken], [true, false, true])
  isolation.end(holder)
  assert.equal(isolation.isClosed, false)
})

test('a neighbour that never ends does not stop the others for good', () => {
  const clock = new FakeClock()
  const isolation = new Isolation(clock)
  isolation.request()
  const heldAt = clock.monotonic()
  clock.elapse(30_000)
  assert.equal(isolation.isOverdue(heldAt), false)
  clock.elapse(1)
  assert.equal(isolation.isOverdue(heldAt), true)
  isolation.forget(1)
  isolation.rest()
  isolation.request()
  assert.equal(isolation.isClosed, false, 'the same one came again; the others go on for a while')
  clock.elapse(60_000)
  assert.equal(isolation.isClosed, true)
})

test('the handler of a suspect that outlives its attempt does not stop the others for good', () => {
  const clock = new FakeClock()
  const isolation = new Isolation(clock)
  isolation.request()
  isolation.take(holder)
  clock.elapse(3_600_000)
  assert.equal(isolation.isClosed, true, 'a suspect may take as long as it takes')
  isolation.overrun(holder)
  clock.elapse(29_999)
  assert.deepEqual([isolation.isClosed, isolation.isTaken], [true, true])
  clock.elapse(1)
  assert.deepEqual([isolation.isClosed, isolation.isTaken], [false, false])
})
