import type { ChannelState, DeliveryRecord } from '@carillon/store'
import type { Outcome, RateLimit } from '../channels/channel.ts'

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000]
/** Between the tries of a delivery: together most of a day, then it is given up. */
const PAUSES_MS = [10 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR]
/** Longer than any send takes: who holds a delivery for longer is dead. */
const LEASE_MS = 60 * SECOND
const ANSWER_LETTERS = 500

/** A delivery that is being sent by the one whose write of this succeeds. */
export const claimed = (delivery: DeliveryRecord, now: number): DeliveryRecord => ({
  ...delivery,
  tries: delivery.tries + 1,
  wakeAt: now + LEASE_MS,
  revision: delivery.revision + 1,
})

/** What became of it. */
export function recorded(delivery: DeliveryRecord, outcome: Outcome, now: number): DeliveryRecord {
  const next = { ...delivery, answer: outcome.answer.slice(0, ANSWER_LETTERS), revision: delivery.revision + 1 }
  if (outcome.is === 'delivered') return { ...next, state: 'sent', sentAt: now, wakeAt: null }
  const pauseMs = PAUSES_MS[delivery.tries - 1]
  if (outcome.is === 'refused' || pauseMs === undefined) return { ...next, state: 'refused', wakeAt: null }
  return { ...next, wakeAt: now + Math.max(pauseMs, outcome.afterMs ?? 0) }
}

/** It has to wait for the limit of its channel. */
export const postponed = (delivery: DeliveryRecord, until: number): DeliveryRecord => ({
  ...delivery,
  wakeAt: until,
  revision: delivery.revision + 1,
})

/** How many messages a channel may send now, and when it may send the next one if it may not. */
export function roomOf(
  { sentAt }: ChannelState,
  limit: RateLimit | undefined,
  now: number,
): { readonly room: number; readonly nextAt: number } {
  if (limit === undefined) return { room: Number.POSITIVE_INFINITY, nextAt: now }
  const recent = sentAt.filter((at) => at > now - limit.withinMs)
  return { room: Math.max(0, limit.count - recent.length), nextAt: (recent.at(-limit.count) ?? now - limit.withinMs) + limit.withinMs }
}

/** A message is being sent. */
export const withSend = (state: ChannelState, limit: RateLimit | undefined, now: number): ChannelState =>
  limit === undefined ? state : { ...state, sentAt: [...state.sentAt.filter((at) => at > now - limit.withinMs), now] }

/** What the other side said last. */
export function withOutcome(state: ChannelState, outcome: Outcome, now: number): ChannelState {
  const last = { at: now, delivered: outcome.is === 'delivered', answer: outcome.answer.slice(0, ANSWER_LETTERS) }
  const isGone = outcome.is === 'refused' && outcome.isGone === true
  return { ...state, last, ...(isGone ? { disabled: { at: now, why: `its receiver is gone: ${last.answer}` } } : {}) }
}
