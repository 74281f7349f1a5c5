import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { pause, systemClock } from './clock.ts'
import { FakeClock, settle } from './testing/index.ts'

const DAY_MS = 86_400_000

function fakeTimers(context: TestContext): (ms: number) => void {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  return (ms) => context.mock.timers.tick(ms)
}

test('a timer beyond 2^31 ms fires once, at its time', (context) => {
  const tick = fakeTimers(context)
  let fired = 0
  systemClock.after(60 * DAY_MS, () => fired++)
  for (let minute = 0; minute < 60 * 24 * 60 - 1; minute++) tick(60_000)
  tick(59_999)
  assert.equal(fired, 0)
  tick(1)
  assert.equal(fired, 1)
  tick(60 * DAY_MS)
  assert.equal(fired, 1)
})

test('a timer is called off at any time', (context) => {
  const tick = fakeTimers(context)
  let fired = 0
  const cancel = systemClock.after(150_000, () => fired++)
  tick(60_000)
  tick(60_000)
  cancel()
  tick(60_000)
  assert.equal(fired, 0)
  systemClock.after(-5, () => fired++)
  tick(1)
  assert.equal(fired, 1)
})

test('a pause ends by time or by abort, and leaves no timer', async () => {
  const clock = new FakeClock()
  const abort = new AbortController()
  const paused = pause(clock, 1_000, abort.signal)
  await clock.advance(1_000)
  assert.equal(await paused, true)
  const aborted = pause(clock, 1_000, abort.signal)
  abort.abort()
  assert.equal(await aborted, false)
  assert.equal(clock.armed, 0)
  assert.equal(await pause(clock, 1_000, abort.signal), false)
  assert.equal(clock.armed, 0)
})

test('the fake clock fires in order, also what is armed meanwhile', async () => {
  const clock = new FakeClock(0)
  const said: string[] = []
  clock.after(20, () => said.push(`b ${clock.now()}`))
  clock.after(10, () => {
    said.push(`a ${clock.now()}`)
    clock.after(5, () => said.push(`a2 ${clock.now()}`))
  })
  clock.after(21, () => said.push('late'))
  await clock.advance(20)
  assert.deepEqual(said, ['a 10', 'a2 15', 'b 20'])
  clock.set(1_000_000)
  await settle()
  assert.equal(said.length, 3)
  await clock.advance(1)
  assert.equal(said.at(-1), 'late')
})
