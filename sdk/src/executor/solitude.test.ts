import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@carillon/wire/testing'
import { Solitude } from './solitude.ts'

const holder = {}

test('nothing else begins while a task waits to run alone or does', () => {
  const solitude = new Solitude(new FakeClock())
  assert.deepEqual([solitude.isClosed, solitude.isSought], [false, false])
  solitude.seek()
  assert.deepEqual([solitude.isClosed, solitude.isSought, solitude.isTaken], [true, true, false])
  solitude.take(holder)
  assert.deepEqual([solitude.isClosed, solitude.isSought, solitude.isTaken], [true, false, true])
  solitude.end(holder)
  assert.equal(solitude.isClosed, false)
})

test('a neighbour that never ends does not stop the others for good', () => {
  const clock = new FakeClock()
  const solitude = new Solitude(clock)
  solitude.seek()
  const heldAt = clock.monotonic()
  clock.elapse(30_000)
  assert.equal(solitude.isOverdue(heldAt), false)
  clock.elapse(1)
  assert.equal(solitude.isOverdue(heldAt), true)
  solitude.forget(1)
  solitude.rest()
  solitude.seek()
  assert.equal(solitude.isClosed, false, 'the same one came again; the others go on for a while')
  clock.elapse(60_000)
  assert.equal(solitude.isClosed, true)
})

test('the handler of a suspect that outlives its attempt does not stop the others for good', () => {
  const clock = new FakeClock()
  const solitude = new Solitude(clock)
  solitude.seek()
  solitude.take(holder)
  clock.elapse(3_600_000)
  assert.equal(solitude.isClosed, true, 'a suspect may take as long as it takes')
  solitude.overrun(holder)
  clock.elapse(29_999)
  assert.deepEqual([solitude.isClosed, solitude.isTaken], [true, true])
  clock.elapse(1)
  assert.deepEqual([solitude.isClosed, solitude.isTaken], [false, false])
})
