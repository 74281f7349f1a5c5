import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@carillon/wire/testing'
import { LoopDelay } from './loop-delay.ts'

function loopDelay() {
  const clock = new FakeClock()
  const delay = new LoopDelay(clock, 250)
  /** A loop that does nothing for this time, then what is due. */
  const pass = async (ms: number) => {
    await clock.advance(ms)
    delay.pulse()
  }
  return { clock, delay, pass }
}

test('a loop that runs what is due shows no delay', async () => {
  const { delay, pass } = loopDelay()
  for (let i = 0; i < 12; i++) await pass(250)
  assert.equal(delay.take(), 0)
})

test('the longest delay since the last beat counts, and in one beat only', async () => {
  const { delay, pass } = loopDelay()
  for (const ms of [250, 1_250, 400]) await pass(ms)
  assert.deepEqual([delay.take(), delay.take()], [1_000, 0])
  await pass(300)
  assert.equal(delay.take(), 50)
})

test('a loop that is blocked right after a beat, or until the beat, shows it', async () => {
  const { clock, delay, pass } = loopDelay()
  await pass(250)
  delay.take()
  await pass(2_250)
  assert.equal(delay.take(), 2_000)
  await clock.advance(900)
  assert.equal(delay.take(), 650, 'the beat is due before the pulse')
  delay.pulse()
  assert.equal(delay.take(), 0, 'the same delay does not count twice')
})
