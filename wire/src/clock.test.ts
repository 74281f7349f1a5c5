import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { every, pause, systemClock } from './clock.ts'
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
  const timer = systemClock.after(150_000, () => fired++)
  tick(60_000)
  tick(60_000)
  timer.cancel()
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

test('the fake clock fires in order, also what is armed in between', async () => {
  const clock = new FakeClock(0)
  const calls: string[] = []
  clock.after(20, () => calls.push(`b ${clock.now()}`))
  clock.after(10, () => {
    calls.push(`a ${clock.now()}`)
    clock.after(5, () => calls.push(`a2 ${clock.now()}`))
  })
  clock.after(21, () => calls.push('late'))
  await clock.advance(20)
  assert.deepEqual(calls, ['a 10', 'a2 15', 'b 20'])
  clock.set(1_000_000)
  await settle()
  assert.equal(calls.length, 3)
  await clock.advance(1)
  assert.equal(calls.at(-1), 'late')
})

test('what the actions of a turn ask for, themselves or by a promise, is done before the next turn', async () => {
  const order: string[] = []
  const done = new Promise<void>((resolve) => {
    systemClock.nextTurn(() => {
      order.push('action')
      systemClock.nextTurn(() => order.push('asked for'))
      Promise.resolve().then(() => systemClock.nextTurn(() => order.push('asked for by a promise')))
      setImmediate(() => {
        order.push('next turn')
        resolve()
      })
    })
  })
  await done
  assert.deepEqual(order, ['action', 'asked for', 'asked for by a promise', 'next turn'])
})

test('an action that asks again and again lets timers and other turns come between', async () => {
  let isOver = false
  let turns = 0
  const again = () => {
    turns++
    if (!isOver) systemClock.nextTurn(again)
  }
  systemClock.nextTurn(again)
  await new Promise((resolve) => setTimeout(resolve, 1))
  while (turns < 10) await new Promise((resolve) => setImmediate(resolve))
  isOver = true
})

test('what is done every period goes on until it is cancelled, also from within', () => {
  const clock = new FakeClock(0)
  const calls: number[] = []
  const timer = every(clock, 10, () => {
    calls.push(clock.now())
    if (calls.length === 3) timer.cancel()
  })
  clock.elapse(25)
  assert.deepEqual([calls, clock.armed], [[10, 20], 1])
  clock.elapse(100)
  assert.deepEqual([calls, clock.armed], [[10, 20, 30], 0])
})
