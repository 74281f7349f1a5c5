import * as z from 'zod'
import { backoffSchema, nonRetryableField } from './backoff.ts'
import { codedField } from './fields.ts'
import { LIMITS } from './limits.ts'
import { NAMED_MODES, PRIORITIES, planFields } from './plan.ts'
import { routingFields } from './routing.ts'

const attemptsField = z.int().min(1).max(LIMITS.attempts)

/** A time limit in whole milliseconds. */
export const limitField = codedField<number>({
  code: 'INVALID_DELAY',
  hint: 'Use whole milliseconds from 1.',
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  json: { type: 'integer', minimum: 1 },
})

/** Attempts, backoff, errors that are not retried, and limits of time: part of a job, and of the request for a run. */
export const policyFields = {
  /** Total tries; 1 (default) = no retry. */
  attempts: attemptsField.optional(),
  /** Default: exponential, 1 s, factor 2, at most 5 min. */
  backoff: backoffSchema.optional(),
  /** Errors after which there is no further attempt: names such as `TypeError`, or codes of errors or of their causes such as `ENOTFOUND`. */
  nonRetryable: nonRetryableField.optional(),
  /** Time limit of each attempt in ms; none by default. */
  timeoutMs: limitField.optional(),
  /** Time limit of the whole run in ms, with all attempts and the pauses between them, from its first start on; none by default. It ends as timed_out. */
  runTimeoutMs: limitField.optional(),
  /** The run must have started within so many ms after it is due, else it ends as expired; none by default. */
  deadlineMs: limitField.optional(),
  /** Of tasks that wait for the same handler, `high`, `normal` (default) and `low` are begun 6 : 3 : 1. */
  priority: z.enum(PRIORITIES).optional(),
  /**
   * `single`: one task for any instance with room. `broadcast`: one task for every live instance. `map`, `map-reduce`: tasks that make tasks.
   * Default: the mode that the handler announces, else `single`.
   */
  mode: z.enum(NAMED_MODES).optional(),
  ...planFields,
  ...routingFields,
}
