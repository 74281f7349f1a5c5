import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Activity, ActivityWatch } from './activity.ts'

/** Looks several times a second, as the watch of a process does. */
function pass(watch: ActivityWatch, from: number, to: number): number {
  for (let now = from; now <= to; now += 250) watch.look(now)
  return to
}

test('an executor that holds a task of which nothing comes is idle, until the next sign of work', () => {
  const activity = new Activity()
  const watch = new ActivityWatch(activity.memory, 0)
  assert.equal(watch.idleMs(pass(watch, 0, 60_000)), undefined, 'it holds nothing')
  activity.began()
  watch.look(60_250)
  assert.equal(watch.idleMs(pass(watch, 60_500, 70_250)), 10_000)
  activity.sign()
  watch.look(70_500)
  assert.equal(watch.idleMs(pass(watch, 70_750, 71_500)), 1_000)
  activity.began()
  activity.settled()
  watch.look(72_000)
  assert.equal(watch.idleMs(pass(watch, 72_250, 74_000)), 2_000, 'one is left')
  activity.settled()
  assert.equal(watch.idleMs(75_000), undefined)
})

test('a process that was suspended has not been idle for that time', () => {
  const activity = new Activity()
  const watch = new ActivityWatch(activity.memory, 0)
  activity.began()
  watch.look(250)
  watch.look(1_250)
  assert.equal(watch.idleMs(3_601_250), 3_000)
})

test('the event loop stands still while nothing pulses', () => {
  const activity = new Activity()
  const watch = new ActivityWatch(activity.memory, 0)
  watch.look(500)
  assert.equal(watch.stillMs(500), 500)
  activity.pulse()
  watch.look(600)
  assert.deepEqual([watch.stillMs(600), watch.stillMs(900)], [0, 300])
})
