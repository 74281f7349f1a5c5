import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertRuleInput } from '@carillon/contracts'
import type { IncidentRecord } from '@carillon/store'
import { failure, NOW, place, ruleWith } from '../testing/alert-facts.ts'
import { type Change, type Circumstances, countFacts, holdFacts, repairedIncident, wakeIncident } from './incident.ts'
import { phrase } from './phrases.ts'

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
  const { announce, change } = wakeIncident(incident, of(rule, { recovery: phrase('succeeded', { run: 'run-2' }) }), NOW + 9_000)
  const over = written(change)
  assert.deepEqual(
    [announce, over.isCurrent, over.recovery, over.recoveredAt, over.wakeAt],
    [['recovered'], 0, phrase('succeeded', { run: 'run-2' }), NOW + 9_000, null],
  )
  assert.deepEqual(wakeIncident(open(), of(FAILED, { recovery: phrase('over') }), NOW + 2_000).announce, ['opened', 'recovered'])
})

test('of a rule that was removed or disabled nothing is said, and what it has counted is forgotten', () => {
  const { incident } = announced({ scene: 'run-failed' })
  const gone = wakeIncident(incident, of(undefined), NOW + 9_000)
  assert.deepEqual([gone.announce, written(gone.change).isCurrent, written(gone.change).recovery], [[], 0, phrase('rule-removed')])
  const disabled = ruleWith({ scene: 'run-failed', enabled: false })
  assert.deepEqual(written(wakeIncident(incident, of(disabled), NOW + 9_000).change).recovery, phrase('rule-disabled'))
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
  const over = wakeIncident(written(night.change), of(rule, { recovery: phrase('over') }), NOW + 60 * MINUTE)
  assert.deepEqual([over.announce, written(over.change).owed, written(over.change).wakeAt], [[], [], null], 'it came and went')
  const evening: IncidentRecord = { ...incident, owed: [], announcedAt: NOW - 3 * 60 * MINUTE }
  const recovered = wakeIncident(evening, of(rule, { recovery: phrase('over') }), NOW + 2_000)
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
  assert.deepEqual([over.isCurrent, over.recovery, over.owed.at(-1)], [0, phrase('over'), 'recovered'])
  assert.equal(hold(undefined, undefined, 0), undefined)
})

test('what is counted in a row counts as the store has it, neither twice nor with what was before a success', () => {
  const rule = ruleWith({ scene: 'failures-in-row', threshold: 2 })
  const row = (before: IncidentRecord | undefined, n: number, inRow: number) =>
    written(countFacts({ rule, place: place(before), facts: [failure(n, { scene: 'failures-in-row' })], inRow }, NOW + n * 1_000))
  const first = row(undefined, 0, 1)
  const incident = row(first, 2, 2)
  assert.deepEqual([first.isShown, incident.isShown, incident.count], [0, 1, 2])
  const ahead = row(incident, 3, 5)
  assert.equal(ahead.count, 5, 'two more have ended, whose events are on their way')
  assert.equal(row(ahead, 4, 5).count, 5)
  assert.equal(row(ahead, 6, 200).count, 6, 'as many as are read: then events are counted')
})

test('a rule whose scene was changed ends what it was about before, without a notice, and has an incident of its own', () => {
  const { incident } = announced({ scene: 'run-failed' })
  const late = ruleWith({ scene: 'late', graceMs: 1_000 })
  const next = written(holdFacts({ rule: late, place: place(incident), facts: [failure(0, { scene: 'late' })] }, NOW + 9_000))
  assert.deepEqual([next.id, next.scene, next.isShown], ['icause-000002', 'late', 1])
  assert.equal(holdFacts({ rule: late, place: place(incident), facts: [] }, NOW), undefined)
  const { change, announce } = wakeIncident(incident, of(late), NOW + 9_000)
  assert.deepEqual([announce, written(change).isCurrent, written(change).recovery], [[], 0, phrase('rule-changed')])
  const counted = written(countFacts({ rule: FAILED, place: place(next), facts: [failure(50)] }, NOW + 50_000))
  assert.deepEqual([counted.id, counted.scene], ['icause-000003', 'run-failed'])
})

test('what was about to become an incident is forgotten when nobody compares it any more', () => {
  const seen = written(hold(undefined, fact, 0.5))
  assert.equal(seen.wakeAt, NOW + 1.5 * MINUTE)
  assert.ok('remove' in (wakeIncident(seen, of(LATE), NOW + 1.5 * MINUTE).change ?? {}))
  assert.ok('remove' in (wakeIncident(seen, of(undefined), NOW + 1.5 * MINUTE).change ?? {}), 'its rule was removed')
})

test('what comes and goes is one incident where it has to be away for a while', () => {
  let incident = written(hold(written(hold(undefined, fact, 0)), fact, 1))
  for (let n = 0; n < 20; n++) {
    const gone = written(hold(incident, undefined, 1 + n))
    incident = written(hold(gone, fact, 1 + n + 0.4))
    assert.deepEqual([incident.isCurrent, incident.goneAt, incident.count, incident.owed], [1, null, 1, ['opened']])
  }
  // Of what is counted, each success ends it: with more of them in a row it flaps less.
  const again = written(countFacts({ rule: FAILED, place: place({ ...open(), isCurrent: 0 }), facts: [failure(9)] }, NOW + 9_000))
  assert.equal(again.id, 'icause-000002')
})

test('what a clock has written that was ahead is as of now', () => {
  const { incident } = announced({ scene: 'run-failed' })
  assert.equal(repairedIncident(incident, NOW + 2_000), undefined)
  const hour = 60 * MINUTE
  const planned = repairedIncident({ ...incident, wakeAt: NOW + hour }, NOW + 2_000)
  assert.deepEqual([planned?.wakeAt, planned?.revision], [NOW + 2_000, incident.revision + 1])
  const ahead = repairedIncident({ ...incident, lastAt: NOW + hour, counted: [{ id: 'x', at: NOW + hour }] }, NOW + 2_000)
  assert.deepEqual([ahead?.lastAt, ahead?.counted, ahead?.goneAt], [NOW + 2_000, [{ id: 'x', at: NOW + 2_000 }], null])
  const quiet: IncidentRecord = { ...incident, isCurrent: 0, owed: ['recovered'], wakeAt: NOW + 8 * hour }
  assert.equal(repairedIncident(quiet, NOW + 2_000), undefined, 'a night')
  const counting: IncidentRecord = { ...incident, isShown: 0, wakeAt: NOW + 24 * 30 * hour }
  assert.equal(repairedIncident(counting, NOW + 2_000), undefined, 'a window of a month')
})

test('snoozing and acknowledging: what came before it was announced, and again', () => {
  const { rule, incident } = announced(REMINDED)
  const acknowledged = { at: NOW, by: 'ada' }
  const both = { ...incident, acknowledged, snoozedUntil: NOW + MINUTE }
  assert.deepEqual(wakeIncident(both, of(rule), NOW + 20 * MINUTE).announce, [], 'acknowledged: not even at the end of the snooze')
  assert.deepEqual(
    wakeIncident(both, of(rule, { recovery: phrase('over') }), NOW + 3_000).announce,
    ['recovered'],
    'that it is over is said',
  )
  const early = { ...open(rule), snoozedUntil: NOW + 5 * MINUTE }
  assert.deepEqual(wakeIncident(early, of(rule), NOW + 2_000).announce, ['opened'], 'a snooze silences reminders')
  const past = { ...incident, snoozedUntil: NOW - MINUTE }
  assert.deepEqual(wakeIncident(past, of(rule), NOW + 3_000).announce, ['reminder'])
})

test('odd inputs: events of the future, of no time, and thousands at once', () => {
  const future = written(countFacts({ rule: FAILED, place: place(), facts: [failure(3_600)] }, NOW))
  assert.equal(future.isShown, 1)
  assert.equal(countFacts({ rule: FAILED, place: place(), facts: [failure(0, { at: Number.NaN })] }, NOW), undefined)
  const rule = ruleWith({ scene: 'run-failed', threshold: 100, windowMs: 1_000 })
  let incident: IncidentRecord | undefined
  for (let n = 0; n < 200; n++) {
    const facts = Array.from({ length: 50 }, (_, i) => failure(0, { id: `run-${n}-${i}` }))
    incident = written(countFacts({ rule, place: place(incident), facts }, NOW))
  }
  assert.deepEqual([incident?.count, incident?.counted.length, incident?.examples.length], [10_000, 300, 10])
  assert.ok(JSON.stringify(incident).length < 30_000)
})
