import type { CoalescedPayload, Gating } from '@carillon/contracts'

/** The rule by which several triggers of a job, or of one key of it, are one run. */
export type Coalescing =
  | { readonly rule: 'debounce'; readonly periodMs: number; readonly payload: CoalescedPayload; readonly maxWaitMs: number }
  | { readonly rule: 'throttle'; readonly periodMs: number; readonly payload: CoalescedPayload }
  | { readonly rule: 'batch'; readonly periodMs: number; readonly count: number }

/** Steady triggers postpone a run by so many periods, unless the job says otherwise. */
const MAX_WAIT_PERIODS = 10

/** The rule of a job; it has one at most. */
export function coalescingOf(gating: Gating | null | undefined): Coalescing | undefined {
  const { debounce, throttle, batch } = gating ?? {}
  if (debounce) return { rule: 'debounce', ...debounce, maxWaitMs: debounce.maxWaitMs ?? debounce.periodMs * MAX_WAIT_PERIODS }
  if (throttle) return { rule: 'throttle', ...throttle }
  return batch && { rule: 'batch', ...batch }
}

/** Of gates at which runs wait for further triggers: they hold no places. What has passed one may have to wait at the gate of its job's limits. */
export const COALESCING_PREFIX = 'gc'
export const isCoalescing = (gate: string | null): boolean => gate?.startsWith(COALESCING_PREFIX) ?? false
