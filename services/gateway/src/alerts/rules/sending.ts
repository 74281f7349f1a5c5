import type { ChannelState, DeliveryRecord } from '@carillon/store'
import type { Outcome, RateLimit } from '../channels/channel.ts'

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000]
/** Between the tries of a delivery; the last one repeats. Never so long that people who have repaired a channel would wait for hours. */
const PAUSES_MS = [10 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE]
/** How long a delivery is tried: what is a day old wakes nobody any more. */
const GIVE_UP_AFTER_MS = 24 * HOUR
/** Between the tries of a channel that takes nothing, whatever the delivery: each of hundreds would wait for its time-out. */
const CHANNEL_PAUSES_MS = [SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE]
/** What a receiver may ask for at most: its clock or its header may be wrong. */
const LONGEST_MUTE_MS = HOUR
/** Longer than any send takes: a gateway that holds a delivery for longer is dead. */
const LEASE_MS = 60 * SECOND
/** A delivery that may be under way is looked at again after so long: most are sent in less, and what waits behind it must not wait for its lease. */
const UNDER_WAY_MS = SECOND
const ANSWER_LETTERS = 500

/** The gateway whose write of this succeeds sends the delivery. */
export const claimed = (delivery: DeliveryRecord, now: number): DeliveryRecord => ({
  ...delivery,
  tries: delivery.tries + 1,
  wakeAt: now + LEASE_MS,
  revision: delivery.revision + 1,
})

/** A claim that is given back: another gateway has used what the limit of the channel had left. */
export const released = (delivery: DeliveryRecord, until: number): DeliveryRecord => ({
  ...postponed(delivery, until),
  tries: delivery.tries - 1,
})

/** It has to wait for another one. */
export const postponed = (delivery: DeliveryRecord, until: number): DeliveryRecord => ({
  ...delivery,
  wakeAt: until,
  revision: delivery.revision + 1,
})

export const isTooOld = ({ at }: Pick<DeliveryRecord, 'at'>, now: number): boolean => now - at >= GIVE_UP_AFTER_MS

/** What became of it. */
export function recorded(delivery: DeliveryRecord, outcome: Outcome, now: number): DeliveryRecord {
  const next = { ...delivery, answer: outcome.answer.slice(0, ANSWER_LETTERS), revision: delivery.revision + 1 }
  if (outcome.is === 'delivered') return { ...next, state: 'sent', sentAt: now, wakeAt: null }
  if (outcome.is === 'refused' || isTooOld(delivery, now)) return { ...next, state: 'refused', wakeAt: null }
  return { ...next, wakeAt: now + Math.max(stepOf(PAUSES_MS, delivery.tries), muteOf(outcome)) }
}

/** How many messages a channel may send now, and when it may send the next one if it may not. */
export function roomOf(
  state: Pick<ChannelState, 'sentAt' | 'pausedUntil' | 'mutedUntil'>,
  limit: RateLimit | undefined,
  now: number,
): { readonly room: number; readonly nextAt: number } {
  const { room, nextAt } = roomOfLimit(state, limit, now)
  const heldUntil = Math.max(state.pausedUntil ?? 0, state.mutedUntil ?? 0)
  return heldUntil > now ? { room: 0, nextAt: room === 0 ? Math.max(heldUntil, nextAt) : heldUntil } : { room, nextAt }
}

function roomOfLimit({ sentAt }: Pick<ChannelState, 'sentAt'>, limit: RateLimit | undefined, now: number) {
  if (limit === undefined) return { room: Number.POSITIVE_INFINITY, nextAt: now }
  const recent = recentOf(sentAt, limit, now)
  return { room: Math.max(0, limit.count - recent.length), nextAt: (recent.at(-limit.count) ?? now - limit.withinMs) + limit.withinMs }
}

/** What was sent by a clock that was set back since then says nothing. */
const recentOf = (sentAt: readonly number[], { withinMs }: RateLimit, now: number) =>
  sentAt.filter((at) => at > now - withinMs && at <= now)

/** For a test message: what this side pauses does not count, because people test what they have repaired. */
export const forTest = ({ pausedUntil: _, ...state }: ChannelState): ChannelState => state

/** A message is being sent. */
export const withSend = (state: ChannelState, limit: RateLimit | undefined, now: number): ChannelState =>
  limit === undefined ? state : { ...state, sentAt: [...recentOf(state.sentAt, limit, now), now] }

/** What the other side said last, and how long nothing is sent to it now. */
export function withOutcome(state: ChannelState, outcome: Outcome, now: number): ChannelState {
  const { pausedUntil: _paused, mutedUntil: _muted, failures = 0, ...rest } = state
  const last = { at: now, delivered: outcome.is === 'delivered', answer: outcome.answer.slice(0, ANSWER_LETTERS) }
  if (outcome.is === 'delivered') return { ...rest, last }
  if (outcome.is === 'refused')
    return { ...rest, last, ...(outcome.isGone ? { disabled: { at: now, why: `its receiver is gone: ${last.answer}` } } : {}) }
  const muteMs = muteOf(outcome)
  return {
    ...rest,
    last,
    failures: failures + 1,
    pausedUntil: now + stepOf(CHANNEL_PAUSES_MS, failures + 1),
    ...(muteMs > 0 ? { mutedUntil: now + muteMs } : {}),
  }
}

const stepOf = (pausesMs: readonly number[], n: number): number => pausesMs[Math.min(Math.max(n, 1), pausesMs.length) - 1] as number

const muteOf = (outcome: Outcome): number => (outcome.is === 'retry' ? Math.min(Math.max(outcome.afterMs ?? 0, 0), LONGEST_MUTE_MS) : 0)

/** Deliveries of one channel that may be sent now, and those that have to wait for an earlier one of their incident. */
export interface Turns {
  readonly due: readonly DeliveryRecord[]
  readonly behind: readonly { readonly delivery: DeliveryRecord; readonly until: number }[]
}

/**
 * Of each incident the first that waits: nobody reads that something is over before they have read that it is there.
 * @param due of one channel, the oldest first
 * @param waiting those of their incidents and this channel that have not been sent, due or not
 */
export function turnsOf(due: readonly DeliveryRecord[], waiting: readonly DeliveryRecord[], now: number): Turns {
  const first = new Map<string, DeliveryRecord>()
  for (const delivery of [...due, ...waiting]) {
    const other = first.get(delivery.incident)
    if (other === undefined || orderBetween(delivery, other) < 0) first.set(delivery.incident, delivery)
  }
  const isDue = new Set(due.map(({ id }) => id))
  const behind = due.flatMap((delivery) => {
    const other = first.get(delivery.incident) as DeliveryRecord
    if (other.id === delivery.id || isDue.has(other.id) || other.wakeAt === null) return []
    const mayBeUnderWay = other.wakeAt <= now + LEASE_MS
    return [{ delivery, until: mayBeUnderWay ? Math.min(other.wakeAt, now + UNDER_WAY_MS) : other.wakeAt }]
  })
  return { due: due.filter(({ id, incident }) => first.get(incident)?.id === id), behind }
}

const ORDER = ['opened', 'reminder', 'recovered']
const orderOf = ({ transition }: DeliveryRecord) => ORDER.indexOf(transition)
const orderBetween = (one: DeliveryRecord, other: DeliveryRecord) =>
  orderOf(one) - orderOf(other) || one.at - other.at || (one.id < other.id ? -1 : 1)

/** A delivery that a clock has planned which was ahead, as of now; undefined: there is nothing to repair. It may be under way, so it is due after the lease. */
export function repairedDelivery(delivery: DeliveryRecord, now: number): DeliveryRecord | undefined {
  const isPlannedWrong = delivery.wakeAt !== null && delivery.wakeAt > now + LONGEST_MUTE_MS + LEASE_MS
  if (!isPlannedWrong && delivery.at <= now + LEASE_MS) return undefined
  return { ...postponed(delivery, now + LEASE_MS), at: Math.min(delivery.at, now) }
}
