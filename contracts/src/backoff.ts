import * as z from 'zod'
import { coded, durationField } from './fields.ts'
import { countText } from './hints.ts'
import { LIMITS } from './limits.ts'

const JITTER_HINT = 'Use a share from 0 to 1: with 0.2 each wait is shorter by up to a fifth.'
/** By which share waits are shortened at most, so that what failed together is not tried again together. Derived from task and attempt. Default: 0. */
const jitterField = coded(z.number(), 'INVALID_REQUEST', JITTER_HINT, (share) => share >= 0 && share <= 1).meta({ minimum: 0, maximum: 1 })

const DELAYS_HINT = `Give 1 to ${countText(LIMITS.backoffDelays)} delays.`
const fixedSchema = z.strictObject({ type: z.literal('fixed'), delayMs: durationField, jitter: jitterField.exactOptional() })
const exponentialSchema = z.strictObject({
  type: z.literal('exponential'),
  delayMs: durationField,
  factor: z.number().min(1).max(100).default(2),
  maxMs: durationField.default(300_000),
  jitter: jitterField.exactOptional(),
})
const listSchema = z.strictObject({
  type: z.literal('list'),
  /** Before each further attempt; the last one repeats. */
  delaysMs: z.array(durationField).min(1, DELAYS_HINT).max(LIMITS.backoffDelays, DELAYS_HINT),
  jitter: jitterField.exactOptional(),
})
const randomSchema = z.strictObject({ type: z.literal('random'), minMs: durationField, maxMs: durationField })
const cronSchema = z.strictObject({
  type: z.literal('cron'),
  cron: z.string().max(LIMITS.cronLength),
  timezone: z.string().max(64).default('UTC'),
})

/**
 * When the next attempt begins.
 *
 * - `fixed`: after `delayMs`.
 * - `exponential`: after `delayMs`, times `factor` for each further one, at most `maxMs`.
 * - `list`: after the delays of a list; the last one repeats.
 * - `random`: after a time from `minMs` to `maxMs`.
 * - `cron`: at the next time of an expression in an IANA `timezone` (default UTC).
 */
export const backoffSchema = z
  .discriminatedUnion('type', [fixedSchema, exponentialSchema, listSchema, randomSchema, cronSchema], {
    error: 'Give an object whose type is "fixed", "exponential", "list", "random" or "cron".',
  })
  .refine((backoff) => backoff.type !== 'exponential' || backoff.maxMs >= backoff.delayMs, {
    error: 'maxMs must not be below delayMs.',
    path: ['maxMs'],
  })
  .refine((backoff) => backoff.type !== 'random' || backoff.maxMs >= backoff.minMs, {
    error: 'maxMs must not be below minMs.',
    path: ['maxMs'],
  })
export type Backoff = z.output<typeof backoffSchema>
/** One whose waits follow from the number of failures alone. */
export type DelayBackoff = Exclude<Backoff, { type: 'cron' }>

export const DEFAULT_BACKOFF: DelayBackoff = { type: 'exponential', delayMs: 1_000, factor: 2, maxMs: 300_000 }

const ERRORS_HINT = `Name 1 to ${LIMITS.nonRetryable} errors, or leave it out.`
/** Names of errors, such as `TypeError`, and codes of errors or of their causes, such as `ENOTFOUND`. */
export const nonRetryableField = z.array(z.string().min(1).max(200)).min(1, ERRORS_HINT).max(LIMITS.nonRetryable, ERRORS_HINT)

/** What a step says about its further tries. */
export const stepPolicySchema = z.strictObject({ backoff: backoffSchema.optional(), nonRetryable: nonRetryableField.optional() })

/** Whether a failure is one of those that are not tried again. */
export const isExcluded = (
  failure: { readonly name: string; readonly code?: string | undefined } | undefined,
  nonRetryable: readonly string[] | undefined,
): boolean =>
  failure !== undefined &&
  nonRetryable !== undefined &&
  (nonRetryable.includes(failure.name) || (failure.code !== undefined && nonRetryable.includes(failure.code)))

/**
 * Waiting time after a failed attempt, in ms.
 * @param options.failed how many have failed since the start or the last manual retry, from 1
 * @param options.seed of the task and its attempt: what is random follows from it, so that a decision that is repeated is the same
 */
export function backoffMs(backoff: DelayBackoff, { failed, seed }: { failed: number; seed: string }): number {
  if (backoff.type === 'random') return backoff.minMs + Math.floor(randomOf(seed) * (backoff.maxMs - backoff.minMs + 1))
  const delayMs = withoutJitter(backoff, failed)
  return backoff.jitter ? Math.round(delayMs * (1 - backoff.jitter * randomOf(seed))) : delayMs
}

function withoutJitter(backoff: Exclude<DelayBackoff, { type: 'random' }>, failed: number): number {
  if (backoff.type === 'list') return backoff.delaysMs[Math.min(failed, backoff.delaysMs.length) - 1] as number
  // Zero times a power that has grown to infinity would be no number.
  if (backoff.type === 'fixed' || backoff.delayMs === 0) return backoff.delayMs
  return Math.min(backoff.maxMs, Math.round(backoff.delayMs * backoff.factor ** (failed - 1)))
}

/** A number from 0 to less than 1: FNV-1a with the final mix of MurmurHash3, because seeds differ in their last letter. */
function randomOf(seed: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
