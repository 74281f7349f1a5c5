import * as z from 'zod'
import { backoffSchema } from './backoff.ts'
import { codedField, nameField, runIdField, timeField } from './fields.ts'
import { LIMITS } from './limits.ts'
import { isName } from './names.ts'
import { limitField } from './policy.ts'

const MARK = /^([A-Za-z0-9_-]{1,64})\/([1-9]\d{0,5})$/
/** A try of a retry as text: its scene and its number. */
export const retryMark = (scene: string, attempt: number): string => `${scene}/${attempt}`
/** @returns undefined of what is none */
export function parseRetryMark(text: string): { readonly scene: string; readonly attempt: number } | undefined {
  const [, scene = '', attempt = ''] = MARK.exec(text) ?? []
  return isName(scene) ? { scene, attempt: Number(attempt) } : undefined
}
export const RETRY_MARK_HINT = 'Use the name of a scene and an attempt from 1: fetch-price/2.'
export const retryMarkField = codedField<string>({
  code: 'INVALID_REQUEST',
  hint: RETRY_MARK_HINT,
  accepts: (value) => typeof value === 'string' && parseRetryMark(value) !== undefined,
  json: { type: 'string', pattern: MARK.source },
})

/** A run that starts when a retry has ended, with limits of its own. */
const callbackSchema = z.strictObject({
  /** A job or, where no such job is stored, a handler. */
  job: nameField,
  attempts: z.int().min(1).max(LIMITS.attempts).exactOptional(),
  backoff: backoffSchema.exactOptional(),
  timeoutMs: limitField.exactOptional(),
})
export type RetryCallback = z.output<typeof callbackSchema>

/** The run is the retry of a call that failed in another process. Its key is that of the call: a further start with the same handler and payload is a duplicate. */
export const retrySchema = z.strictObject({
  /** How often the caller has tried it before. */
  localTries: z.int().min(0).max(LIMITS.attempts),
  /** Started once when it has succeeded. */
  onSuccess: callbackSchema.exactOptional(),
  /** Started once when no tries are left, or no time. */
  onExhausted: callbackSchema.exactOptional(),
  /** The dead letter that is tried again. */
  redriveOf: runIdField.exactOptional(),
})
export type Retry = z.output<typeof retrySchema>

/** An attempt that has failed. */
export const failedTrySchema = z.object({
  attempt: z.int(),
  /** When it began; absent where its executor had not reported that. */
  startedAt: timeField.exactOptional(),
  /** When it ended. */
  at: timeField,
  /** The instance that had it. */
  instance: z.string().exactOptional(),
  name: z.string(),
  message: z.string(),
})
export type FailedTry = Readonly<z.output<typeof failedTrySchema>>

/** Of each retry: where it comes from, and what has become of its tries. */
const historyFields = {
  localTries: z.int(),
  /** The tries of the mesh that failed, the last 20, oldest first; messages are cut to 200 letters. */
  failed: z.array(failedTrySchema).readonly().exactOptional(),
  /** The dead letter that it tries again. */
  redriveOf: z.string().exactOptional(),
}

/** The same as services show it: whom it starts by name. */
export const retryViewSchema = z.object({
  ...historyFields,
  onSuccess: z.string().exactOptional(),
  onExhausted: z.string().exactOptional(),
})
