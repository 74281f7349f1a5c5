import assert from 'node:assert/strict'
import { it } from 'node:test'
import { TickedTime } from './ticked-time.ts'

it('grows with each tick, by two ticks at most, and never backwards', () => {
  const time = new TickedTime({ tickMs: 100, now: 5_000 })
  time.tick(5_110)
  assert.equal(time.elapsedMs, 110)
  time.tick(65_110)
  assert.equal(time.elapsedMs, 310, 'a minute during which nobody ticked is not a minute of silence')
  time.tick(1_000)
  assert.equal(time.elapsedMs, 310, 'a clock that was set back takes nothing away')
  time.tick(1_100)
  assert.equal(time.elapsedMs, 410)
})
