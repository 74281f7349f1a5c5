import { type Backoff, backoffMs, LIMITS } from '@carillon/contracts'
import type { LifeHead } from '@carillon/store'
import { checkCron, nextCronSlot } from '../../schedules/rules/cron.ts'
import { checkZone } from '../../schedules/rules/zone.ts'
import type { Policy } from './decision.ts'

const HORIZON_MS = LIMITS.horizonYears * 365 * 86_400_000

/** A task that has failed, or the run whose only task it is. */
export type FailedLife = Pick<LifeHead, 'attempt' | 'attempts'> & { readonly id: string }

/** @throws CarillonError INVALID_CRON, CRON_NEVER_FIRES, INVALID_TIME_ZONE */
export function checkBackoff(backoff: Backoff | undefined, now: number): void {
  if (backoff?.type !== 'cron') return
  checkZone(backoff.timezone, 'backoff.timezone')
  checkCron(backoff, now, 'backoff.cron')
}

/**
 * When the next attempt begins. A wait is a duration, which a clock that is set does not change; the time of a cron expression is one by the clock.
 * @param options.retryAfterMs for how long its handler wants it not to begin
 */
export function nextAttempt(
  { id, attempt, attempts }: FailedLife,
  { policy: { backoff, tries }, now, retryAfterMs }: { policy: Policy; now: number; retryAfterMs: number },
): { readonly wakeAt: number; readonly delayMs: number | null } {
  const notBeforeMs = Math.min(Math.ceil(retryAfterMs), HORIZON_MS)
  if (backoff.type === 'cron') return { wakeAt: nextCronSlot(backoff, now + Math.max(0, notBeforeMs - 1)), delayMs: null }
  const failed = attempt - (attempts - tries)
  const delayMs = Math.min(Math.max(backoffMs(backoff, { failed, seed: `${id}/${attempt}` }), notBeforeMs), HORIZON_MS)
  return { wakeAt: now + delayMs, delayMs }
}
