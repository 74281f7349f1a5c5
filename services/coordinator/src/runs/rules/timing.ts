import { type FinishedReport, isEnded } from '@carillon/contracts'
import type { LifeHead } from '@carillon/store'
import type { Decision, Policy } from './decision.ts'

/** How long ago a stored time was, measured by the monotonic clock: setting a clock does not change it. */
export interface ElapsedTime {
  since(time: number): number
  /** The same without the time that the machine was asleep. */
  awakeSince(time: number): number
}

/** Clocks of several coordinators differ by less: what is farther off was stored by a clock that was wrong. */
const TOLERATED_MS = 3_000
/** Only a delayed run or task has a `wakeAt` farther ahead. */
const LONGEST_CHECK_MS = 120_000

/** How long an attempt ran, as its executor measured it. Older executors report its begin and end, by their own clock. */
export function ranFor({ durationMs, startedAt, endedAt }: FinishedReport): number | undefined {
  if (durationMs !== undefined) return durationMs
  const ms = Date.parse(endedAt ?? '') - Date.parse(startedAt ?? '')
  return ms >= 0 ? ms : undefined
}

/** When an attempt began, on the coordinator's clock: derived from its duration, bounded by known times; the executor's clock is not used. */
export function beganAt(life: LifeHead, durationMs: number | undefined, context: { policy: Policy; now: number }): number {
  const { policy, now } = context
  if (durationMs === undefined) return life.startedAt ?? now
  return Math.min(now, Math.max(now - Math.round(durationMs), policy.createdAt, life.queuedAt ?? 0))
}

/** How much of a delay is left; 0 or less: it is over. A duration counts from its request, a point in time by the clock. */
export function leftOfDelay({ wakeAt, delayMs }: LifeHead, { now, elapsed }: { now: number; elapsed: ElapsedTime }): number {
  if (wakeAt === null) return 0
  return delayMs === null ? wakeAt - now : delayMs - elapsed.since(wakeAt - delayMs)
}

/** Waits for this much longer. */
export function decideToWait(life: LifeHead, { now, leftMs }: { now: number; leftMs: number }): Decision {
  return { event: 'checked', expect: { state: [life.state], attempt: life.attempt, owner: [life.owner] }, set: { wakeAt: now + leftMs } }
}

/** Repairs times that a wrong clock has stored; undefined if none are wrong. */
export function decideRepairedTimes(life: LifeHead, context: { now: number; elapsed: ElapsedTime }): Decision | undefined {
  const { now } = context
  if (life.wakeAt === null) return undefined
  if (life.state === 'delayed') {
    const leftMs = Math.max(0, leftOfDelay(life, context))
    return Math.abs(now + leftMs - life.wakeAt) > TOLERATED_MS ? decideToWait(life, { now, leftMs }) : undefined
  }
  if (life.wakeAt <= now + LONGEST_CHECK_MS) return undefined
  const checked = decideToWait(life, { now, leftMs: 0 })
  return isEnded(life.state) ? { ...checked, expect: { state: [life.state], attempt: life.attempt } } : checked
}
