import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgedRun } from '@carillon/store'
import { CautiousTime } from './cautious-time.ts'
import { DEFAULT_RETENTION, isAmongNewest, isOver, rememberedUntil } from './retention-rules.ts'

const DAY_MS = 86_400_000
const NOW = 1_767_225_600_000
const OLD = NOW - DAY_MS - 1
const RUN: AgedRun = {
  id: 'run0000000000001',
  job: 'report',
  state: 'succeeded',
  mode: 'single',
  trigger: 'call',
  key: null,
  slot: null,
  share: 0,
  createdAt: OLD - 1_000,
  endedAt: OLD,
  wakeAt: null,
  parentTask: null,
}
const FACTS = {
  now: NOW,
  unappliedSince: Number.POSITIVE_INFINITY,
  countedUntil: Number.POSITIVE_INFINITY,
  job: { id: 'default/report', nextSlotAt: null },
}
const over = (run: Partial<AgedRun>, facts: Partial<typeof FACTS> | { job: undefined | { id: string; nextSlotAt: number | null } } = {}) =>
  isOver({ ...RUN, ...run }, { ...FACTS, ...facts }, DEFAULT_RETENTION)

test('a run is over when it ended a day ago, whatever became of it', () => {
  assert.ok(over({}))
  for (const state of ['failed', 'timed_out', 'cancelled', 'skipped'] as const) assert.ok(over({ state }), state)
  assert.ok(!over({ endedAt: NOW - DAY_MS }), 'not yet a day')
})

test('what is open, or whose end may not be published, stays whatever its age', () => {
  for (const state of ['waiting', 'delayed', 'queued', 'running', 'cancelling'] as const) assert.ok(!over({ state, endedAt: null }), state)
  assert.ok(!over({ wakeAt: OLD }))
})

test('what a message made or ended that was not applied for good stays', () => {
  assert.ok(!over({}, { unappliedSince: OLD - 5_000 }))
  assert.ok(!over({}, { unappliedSince: OLD + 5_000 }), 'the clocks of broker and coordinators may differ')
  assert.ok(over({}, { unappliedSince: OLD + 60_000 }))
})

test('what is not counted stays', () => {
  assert.ok(!over({}, { countedUntil: 0 }), 'nothing is counted yet')
  assert.ok(!over({}, { countedUntil: OLD + 1_000 }), 'its event may be stored a moment later')
  assert.ok(over({}, { countedUntil: OLD + 60_000 }))
})

test('the run of a slot stays until its schedule is beyond it', () => {
  const slot = OLD - 2_000
  const at = (nextSlotAt: number | null) => ({ job: { id: 'default/report', nextSlotAt } })
  assert.ok(!over({ slot }, at(slot)), 'it was stored, and the job not moved')
  assert.ok(!over({ slot }, at(slot - 60_000)), 'its job is still before it')
  assert.ok(over({ slot }, at(slot + 1)))
  assert.ok(over({ slot }, at(null)), 'paused or finished')
  assert.ok(over({ slot }, { job: undefined }), 'its job was removed')
  const short = { ...DEFAULT_RETENTION, runMs: 0 }
  const recent = { ...RUN, createdAt: NOW - 90_000, endedAt: NOW - 80_000, slot: NOW - 90_000 }
  assert.ok(!isOver(recent, { ...FACTS, job: undefined }, short), 'a job that is put again may still find the slot no misfire')
})

test('the newest of a job are kept', () => {
  const oldest = { createdAt: 100, id: 'b' }
  assert.ok(isAmongNewest({ createdAt: 5, id: 'a' }, undefined), 'there are fewer than are kept')
  assert.ok(isAmongNewest({ createdAt: 100, id: 'b' }, oldest))
  assert.ok(isAmongNewest({ createdAt: 101, id: 'a' }, oldest))
  assert.ok(!isAmongNewest({ createdAt: 100, id: 'a' }, oldest))
  assert.ok(!isAmongNewest({ createdAt: 99, id: 'z' }, oldest))
})

test('a key is remembered from the removal, an id from the end of the run, a slot by its schedule', () => {
  const removed = { key: null, trigger: 'call', endedAt: OLD, removedAt: NOW } as const
  assert.equal(rememberedUntil(removed, DEFAULT_RETENTION), NOW)
  assert.equal(rememberedUntil({ ...removed, key: 'order-1' }, DEFAULT_RETENTION), NOW + 30 * DAY_MS)
  const short = { ...DEFAULT_RETENTION, keyMs: 0 }
  assert.equal(rememberedUntil({ ...removed, endedAt: NOW - 60_000 }, short), NOW - 60_000 + DAY_MS)
  assert.equal(rememberedUntil({ ...removed, endedAt: NOW - 60_000, trigger: 'stream', key: 'k' }, short), NOW - 60_000 + DAY_MS)
  assert.equal(rememberedUntil({ ...removed, endedAt: NOW - 60_000, trigger: 'schedule' }, short), NOW)
})

test('a clock that jumps ahead ages nothing, and one that goes back is followed at once', () => {
  let [wall, monotonic] = [NOW, 0]
  const time = new CautiousTime({ now: () => wall, monotonic: () => monotonic })
  const pass = (ms: number, jumpMs = 0) => {
    wall += ms + jumpMs
    monotonic += ms
    return time.now() - NOW
  }
  assert.equal(pass(60_000), 60_000)
  assert.equal(pass(20_000, 3_600_000), 100_000)
  assert.equal(pass(20_000, -3_600_000), 100_000)
  assert.equal(pass(60_000, -600_000), -440_000)
  // Asleep for eight hours: an hour later two are made up for.
  assert.equal(pass(3_600_000, 8 * 3_600_000), -440_000 + 7_200_000)
  for (let i = 0; i < 8; i++) pass(3_600_000)
  assert.equal(time.now(), wall)
})
