import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryRecord } from '@carillon/store'
import { aDelivery } from '@carillon/store/testing'
import type { Outcome } from '../channels/channel.ts'
import { NOW } from '../testing/alert-facts.ts'
import { claimed, forTest, isTooOld, recorded, released, repairedDelivery, roomOf, turnsOf, withOutcome, withSend } from './sending.ts'

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000]
const delivery = (fields: Partial<DeliveryRecord> = {}) => aDelivery('ia-000001', 'ops', { at: NOW, wakeAt: NOW, ...fields })
const FAILED: Outcome = { is: 'retry', answer: '500 no' }
const SENT: Outcome = { is: 'delivered', answer: '200' }

test('a claim is a lease of a minute; what is given back was no try', () => {
  const held = claimed(delivery(), NOW)
  assert.deepEqual([held.tries, held.wakeAt, held.revision, held.state], [1, NOW + MINUTE, 2, 'waiting'])
  const back = released(held, NOW + 5)
  assert.deepEqual([back.tries, back.wakeAt, back.revision], [0, NOW + 5, 3])
})

test('what fails is tried again after longer and longer pauses, half an hour at most, and given up after a day', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 40].map((tries) => ((recorded(delivery({ tries }), FAILED, NOW).wakeAt as number) - NOW) / SECOND)
  assert.deepEqual(pauses, [10, 30, 120, 300, 900, 1_800, 1_800, 1_800])
  assert.equal(recorded(delivery({ tries: 0 }), FAILED, NOW).wakeAt, NOW + 10 * SECOND, 'a try that nobody counted')
  const late = recorded(delivery({ tries: 40 }), FAILED, NOW + 24 * HOUR)
  assert.deepEqual([late.state, late.wakeAt, late.answer], ['refused', null, '500 no'])
  assert.deepEqual([isTooOld({ at: NOW }, NOW + 24 * HOUR - 1), isTooOld({ at: NOW }, NOW + 24 * HOUR)], [false, true])
  const sent = recorded(delivery({ tries: 3 }), SENT, NOW + 48 * HOUR)
  assert.deepEqual([sent.state, sent.sentAt, sent.wakeAt], ['sent', NOW + 48 * HOUR, null])
  assert.equal(recorded(delivery(), { is: 'refused', answer: '302' }, NOW).state, 'refused')
  assert.equal(recorded(delivery(), { is: 'retry', answer: 'x'.repeat(9_000) }, NOW).answer?.length, 500)
})

test('a receiver may ask for a longer pause, an hour at most; odd ones mean nothing', () => {
  const after = (afterMs: number) => (recorded(delivery({ tries: 1 }), { ...FAILED, afterMs } as Outcome, NOW).wakeAt as number) - NOW
  assert.deepEqual([after(MINUTE), after(365 * 24 * HOUR), after(-5), after(1)], [MINUTE, HOUR, 10 * SECOND, 10 * SECOND])
})

test('a channel that takes nothing is paused, longer each time, and what is asked for by its receiver counts, too', () => {
  let state: ReturnType<typeof withOutcome> = { sentAt: [] }
  const pauses: number[] = []
  for (let i = 0; i < 8; i++) {
    state = withOutcome(state, FAILED, NOW)
    pauses.push(((state.pausedUntil as number) - NOW) / SECOND)
  }
  assert.deepEqual(pauses, [1, 5, 15, 60, 120, 300, 300, 300])
  assert.deepEqual([roomOf(state, undefined, NOW).room, roomOf(state, undefined, NOW).nextAt], [0, NOW + 300 * SECOND])
  assert.equal(roomOf(forTest(state), undefined, NOW).room, Number.POSITIVE_INFINITY, 'people test what they have repaired')
  const muted = withOutcome(state, { ...FAILED, afterMs: 10 * MINUTE } as Outcome, NOW)
  assert.deepEqual(
    [roomOf(forTest(muted), undefined, NOW), roomOf(muted, undefined, NOW + 10 * MINUTE).room > 0],
    [{ room: 0, nextAt: NOW + 10 * MINUTE }, true],
  )
  const repaired = withOutcome(muted, SENT, NOW)
  assert.deepEqual(repaired, { sentAt: [], last: { at: NOW, delivered: true, answer: '200' } })
  const gone = withOutcome(repaired, { is: 'refused', answer: '410', isGone: true }, NOW)
  assert.match(gone.disabled?.why ?? '', /gone: 410/)
  assert.equal(withOutcome(repaired, { is: 'refused', answer: '302' }, NOW).disabled, undefined)
})

test('a limit counts the messages of its time, also when the clock was set back', () => {
  const limit = { count: 2, withinMs: MINUTE }
  let state = withSend({ sentAt: [] }, limit, NOW)
  assert.deepEqual(roomOf(state, limit, NOW), { room: 1, nextAt: NOW })
  state = withSend(state, limit, NOW + 10 * SECOND)
  assert.deepEqual(roomOf(state, limit, NOW + 20 * SECOND), { room: 0, nextAt: NOW + MINUTE })
  assert.equal(roomOf(state, limit, NOW + MINUTE).room, 1)
  assert.equal(roomOf(state, limit, NOW - HOUR).room, 2, 'what was sent in the future says nothing')
  assert.deepEqual(withSend(state, limit, NOW - HOUR).sentAt, [NOW - HOUR])
  assert.equal(withSend(state, limit, NOW + 5 * MINUTE).sentAt.length, 1, 'what is past is forgotten')
  assert.deepEqual(withSend(state, undefined, NOW), state)
})

test('of an incident the first message goes first; what it has to wait for may be due or not', () => {
  const opened = delivery({ id: 'ia-000001.opened.ops' })
  const reminder = (n: number) => delivery({ id: `ia-000001.reminder-${n}.ops`, transition: 'reminder', at: NOW + n })
  const recovered = delivery({ id: 'ia-000001.recovered.ops', transition: 'recovered', at: NOW })
  const other = delivery({ id: 'ib-000001.opened.ops', incident: 'ib-000001' })
  const ids = (deliveries: readonly DeliveryRecord[]) => deliveries.map(({ id }) => id)
  const all = [recovered, reminder(10), reminder(9), opened, other]
  assert.deepEqual(ids(turnsOf(all, all, NOW).due), [opened.id, other.id])
  assert.deepEqual(turnsOf(all, all, NOW).behind, [], 'they are due as soon as the first one is sent')
  assert.deepEqual(ids(turnsOf([recovered, reminder(10), reminder(9)], [], NOW).due), [reminder(9).id])
  const failing = delivery({ id: opened.id, wakeAt: NOW + 5 * MINUTE })
  const turns = turnsOf([recovered, other], [failing, recovered], NOW)
  assert.deepEqual(ids(turns.due), [other.id])
  assert.deepEqual(turns.behind, [{ delivery: recovered, until: NOW + 5 * MINUTE }])
  const underWay = claimed(opened, NOW - 200)
  const behind = turnsOf([recovered], [underWay, recovered], NOW).behind
  assert.deepEqual(behind, [{ delivery: recovered, until: NOW + SECOND }], 'what is being sent now is sent before its lease is over')
  assert.deepEqual(turnsOf([], [], NOW), { due: [], behind: [] })
})

test('what a clock has planned that was ahead is due after the lease', () => {
  assert.equal(repairedDelivery(delivery({ wakeAt: NOW + 30 * MINUTE }), NOW), undefined)
  assert.equal(repairedDelivery(delivery({ wakeAt: null, state: 'sent' }), NOW), undefined)
  const ahead = repairedDelivery(delivery({ at: NOW + 24 * HOUR, wakeAt: NOW + 24 * HOUR + MINUTE }), NOW)
  assert.deepEqual([ahead?.at, ahead?.wakeAt, ahead?.revision], [NOW, NOW + MINUTE, 2])
})
