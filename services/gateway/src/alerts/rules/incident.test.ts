import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertRuleInput } from '@carillon/contracts'
import type { IncidentRecord } from '@carillon/store'
import { failure, NOW, place, ruleWith } from '../testing/alert-facts.ts'
import { type Change, type Circumstances, countFacts, holdFacts, wakeIncident } from './incident.ts'

const written = (change: Change): IncidentRecord => {
  assert.ok(change && 'write' in change, 'it is written')
  return change.write
}
const FAILED = ruleWith({ scene: 'run-failed' })
const open = (rule = FAILED) => written(countFacts({ rule, place: place(), facts: [failure(0)] }, NOW))
/** Announced at once. */
const announced = (fields: Omit<AlertRuleInput, 'name'>, at = NOW + 2_000) => {
  const rule = ruleWith(fields)
  return { rule, incident: written(wakeIncident(open(rule), of(rule), at).change) }
}
const of = (rule: Circumstances['rule'], fields: Partial<Circumstances> = {}): Circumstances => ({
  rule,
  recovery: undefined,
  isPaused: false,
  ...fields,
})

test('what happens once too often opens an incident, which is announced after a moment for what belongs to it', () => {
  const incident = open()
  const { id, isShown, isCurrent, count, owed, wakeAt } = incident
  assert.deepEqual([id, isShown, isCurrent, count, owed, wakeAt], ['icause-000001', 1, 1, 1, ['opened'], NOW + 2_000])
  const facts = [failure(0), failure(1), failure(1), failure(2)]
  const more = written(countFacts({ rule: FAILED, place: place(incident), facts }, NOW + 2_000))
  assert.deepEqual([more.count, more.examples.length, more.lastAt], [3, 3, NOW + 2_000])
  const { announce, change } = wakeIncident(more, of(FAILED), NOW + 2_000)
  assert.deepEqual([announce, written(change).owed, written(change).announcedAt], [['opened'], [], NOW + 2_000])
})

test('what was counted is not counted again, neither while it is open nor when it is over', () => {
  const incident = open()
  assert.equal(countFacts({ rule: FAILED, place: place(incident), facts: [failure(0)] }, NOW), undefined)
  const over: IncidentRecord = { ...incident, isCurrent: 0 }
  assert.equal(countFacts({ rule: FAILED, place: place(over), facts: [failure(0)] }, NOW), undefined)
  const next = written(countFacts({ rule: FAILED, place: place(over), facts: [failure(0), failure(1)] }, NOW + 1_000))
  assert.deepEqual([next.id, next.count, next.revision], ['icause-000002', 1, 0])
})

test('ten examples are kept, and all are counted', () => {
  const facts = Array.from({ length: 412 }, (_, n) => failure(n / 1_000, { id: `run-${n}` }))
  const incident = written(countFacts({ rule: FAILED, place: place(), facts }, NOW + 1_000))
  assert.deepEqual([incident.count, incident.examples.length], [412, 10])
})

test('a threshold within a window: what has left it does not count, and at last nothing is left', () => {
  const rule = ruleWith({ scene: 'run-failed', threshold: 3, windowMs: 60_000 })
  const count = (before: IncidentRecord | undefined, n: number) =>
    written(countFacts({ rule, place: place(before), facts: [failure(n)] }, NOW + n * 1_000))
  const two = count(count(undefined, 0), 50)
  assert.deepEqual([two.isShown, two.count, two.wakeAt], [0, 2, NOW + 60_000])
  const late = count(two, 70)
  assert.deepEqual([late.isShown, late.count], [0, 2])
  assert.deepEqual([count(late, 80).isShown, count(late, 80).count], [1, 3])
  const trimmed = written(wakeIncident(late, of(rule), NOW + 115_000).change)
  assert.deepEqual([trimmed.count, trimmed.wakeAt], [1, NOW + 130_000])
  assert.ok('remove' in (wakeIncident(trimmed, of(rule), NOW + 130_000).change ?? {}))
  assert.equal(countFacts({ rule, place: place(), facts: [failure(-100)] }, NOW), undefined, 'events of a time before')
})

test('failures in a row count by what is stored', () => {
  const rule = ruleWith({ scene: 'failures-in-row' })
  const facts = [failure(0, { scene: 'failures-in-row' })]
  assert.equal(written(countFacts({ rule, place: place(), facts, inRow: 2 }, NOW)).isShown, 0)
  const incident = written(countFacts({ rule, place: place(), facts, inRow: 3 }, NOW))
  assert.deepEqual([incident.isShown, incident.count], [1, 3])
})

test('it recovers with a notice; one that recovers before it was announced is announced with both', () => {
  const { rule, incident } = announced({ scene: 'run-failed' })
  const { announce, change } = wakeIncident(incident, of(rule, { recovery: 'run 2 has succeeded' }), NOW + 9_000)
  const over = written(change)
  assert.deepEqual(
    [announce, over.isCurrent, over.recovery, over.recoveredAt, over.wakeAt],
    [['recovered'], 0, 'run 2 has succeeded', NOW + 9_000, null],
  )
  assert.deepEqual(wakeIncident(open(), of(FAILED, { recovery: 'x' }), NOW + 2_000).announce, ['opened', 'recovered'])
})

test('of a rule that was removed or disabled nothing is said, and what it has counted is forgotten', () => {
  const { incident } = announced({ scene: 'run-failed' })
  const gone = wakeIncident(incident, of(undefined), NOW + 9_000)
  assert.deepEqual([gone.announce, written(gone.change).isCurrent, written(gone.change).recovery], [[], 0, 'its rule was removed'])
  const disabled = ruleWith({ scene: 'run-failed', enabled: false })
  assert.equal(written(wakeIncident(incident, of(disabled), NOW + 9_000).change).recovery, 'its rule was disabled')
  assert.ok('remove' in (wakeIncident({ ...incident, isShown: 0 }, of(undefined), NOW).change ?? {}))
})

const REMINDED = { scene: 'run-failed', remindEveryMs: 600_000 } as const
const MINUTE = 60_000

test('it is announced again while nobody takes care of it', () => {
  const { rule, incident } = announced(REMINDED)
  const at = (minutes: number, fields: Partial<IncidentRecord> = {}, more: Partial<Circumstances> = {}) =>
    wakeIncident({ ...incident, ...fields }, of(rule, more), NOW + 2_000 + minutes * MINUTE)
  assert.deepEqual(at(9).announce, [])
  assert.deepEqual([at(10).announce, written(at(10).change).reminders], [['reminder'], 1])
  assert.deepEqual(at(10, { acknowledged: { at: NOW, by: 'ada' } }).announce, [])
  assert.deepEqual(at(10, { reminders: 1_000 }).announce, [])
  assert.deepEqual(at(10, {}, { isPaused: true }).announce, [], 'its job is paused')
  const snoozedUntil = NOW + 2_000 + 30 * MINUTE
  assert.deepEqual([at(10, { snoozedUntil }).announce, at(30, { snoozedUntil }).announce], [[], ['reminder']])
  assert.equal(written(at(30, { snoozedUntil }).change).snoozedUntil, null)
})

test('in quiet hours nothing is said: at their end what is still open', () => {
  // NOW is midnight, of a Thursday.
  const rule = ruleWith({ scene: 'run-failed', quietHours: { from: '22:00', to: '06:00', timezone: 'UTC' } })
  const incident = open(rule)
  const night = wakeIncident(incident, of(rule), NOW + 2_000)
  assert.deepEqual([night.announce, written(night.change).owed], [[], ['opened']])
  const morning = wakeIncident(written(night.change), of(rule), NOW + 6 * 60 * MINUTE)
  assert.deepEqual(morning.announce, ['opened'])
  const over = wakeIncident(written(night.change), of(rule, { recovery: 'x' }), NOW + 60 * MINUTE)
  assert.deepEqual([over.announce, written(over.change).owed, written(over.change).wakeAt], [[], [], null], 'it came and went')
  const evening: IncidentRecord = { ...incident, owed: [], announcedAt: NOW - 3 * 60 * MINUTE }
  const recovered = wakeIncident(evening, of(rule, { recovery: 'x' }), NOW + 2_000)
  assert.deepEqual(
    [recovered.announce, written(recovered.change).owed, written(recovered.change).wakeAt],
    [[], ['recovered'], NOW + 6 * 60 * MINUTE],
  )
})

const LATE = ruleWith({ scene: 'late', graceMs: 60_000, recoverAfterMs: 30_000 })
const fact = failure(0, { scene: 'late' })
const hold = (before: IncidentRecord | undefined, seen: typeof fact | undefined, minutes: number) =>
  holdFacts({ rule: LATE, place: place(before), facts: seen ? [seen] : [] }, NOW + minutes * MINUTE)

test('what lasts opens when it lasts too long, and is over when it was not seen for long enough', () => {
  const seen = written(hold(undefined, fact, 0.5))
  assert.equal(seen.isShown, 0)
  assert.ok('remove' in (hold(seen, undefined, 0.6) ?? {}), 'it was over in time')
  const incident = written(hold(seen, fact, 1))
  assert.deepEqual([incident.isShown, incident.owed], [1, ['opened']])
  const gone = written(hold(incident, undefined, 2))
  assert.deepEqual([gone.isCurrent, gone.goneAt], [1, NOW + 2 * MINUTE])
  assert.equal(hold(gone, undefined, 2.4), undefined)
  assert.equal(written(hold(gone, fact, 2.4)).goneAt, null, 'it is seen again')
  const over = written(hold(gone, undefined, 2.5))
  assert.deepEqual([over.isCurrent, over.recovery, over.owed.at(-1)], [0, 'it is over', 'recovered'])
  assert.equal(hold(undefined, undefined, 0), undefined)
})
