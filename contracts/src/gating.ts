import * as z from 'zod'
import { codedField } from './fields.ts'
import { LIMITS } from './limits.ts'

/** What becomes of a run that finds no place because others of its job, or of its key, are open. */
export const OVERLAPS = ['serial', 'discard', 'replace', 'parallel', 'recover'] as const
export type Overlap = (typeof OVERLAPS)[number]

const placesField = z.int().min(1).max(LIMITS.gateHolders)

const periodField = codedField<number>({
  code: 'INVALID_DELAY',
  hint: 'Use whole milliseconds from 100 up to 31 days.',
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 100 && (value as number) <= LIMITS.ratePeriodMaxMs,
  json: { type: 'integer', minimum: 100, maximum: LIMITS.ratePeriodMaxMs },
})

const rateSchema = z.strictObject({
  /** Runs that may start within any period. */
  count: z.int().min(1).max(LIMITS.rateCount),
  periodMs: periodField,
  /** Whether it counts all runs of the job (default), or those of each key. */
  by: z.enum(['job', 'key']).default('job'),
})
export type Rate = z.output<typeof rateSchema>

/** Whose payload the run has that starts for several triggers. */
export const COALESCED_PAYLOADS = ['last', 'first'] as const
export type CoalescedPayload = (typeof COALESCED_PAYLOADS)[number]

const debounceSchema = z.strictObject({
  /** So long without a further trigger, and the run starts. */
  periodMs: periodField,
  payload: z.enum(COALESCED_PAYLOADS).default('last'),
  /** So long after the first trigger the run starts in any case. Default: 10 × `periodMs`. */
  maxWaitMs: periodField.optional(),
})
export type Debounce = z.output<typeof debounceSchema>

const throttleSchema = z.strictObject({
  periodMs: periodField,
  /** `first`: further triggers within the period are skipped; `last`: the last of them starts when it is over. */
  payload: z.enum(COALESCED_PAYLOADS).default('first'),
})
export type Throttle = z.output<typeof throttleSchema>

const batchSchema = z.strictObject({
  /** So many triggers are one run. */
  count: z.int().min(1).max(LIMITS.batchCount),
  /** Fewer are one run so long after the first of them. */
  periodMs: periodField,
})
export type Batch = z.output<typeof batchSchema>

/** Rules about how many runs of a job may be open or start: part of a job. */
export const gatingFields = {
  /**
   * For a run that comes while as many are open as may be (one, or `maxConcurrent`): `serial` it waits for its turn, at most 1,000 do; `discard` it is
   * skipped; `replace` the oldest open one is cancelled, and has ended before this one starts; `recover` it does not run, and failed tasks of the open run
   * run again; `parallel` it starts. Default: slots wait for the run of the slot before, one at most; other runs start.
   */
  overlap: z.enum(OVERLAPS).optional(),
  /** Runs of the job that may be open at once; others wait, unless `overlap` says otherwise. Default: any number. */
  maxConcurrent: placesField.optional(),
  /** An expression over `payload`: runs with the same value share `maxPerKey` places. It is evaluated once, when the run is requested. */
  concurrencyKey: z.string().min(1).max(LIMITS.expressionLength).optional(),
  /** Runs of one key that may be open at once. Default: 1. */
  maxPerKey: placesField.optional(),
  /** How many runs may start within a period; others wait. */
  rate: rateSchema.optional(),
  /** Triggers that follow one another within a period are one run, which starts when none has come for so long. Slots of the schedule do not count. */
  debounce: debounceSchema.optional(),
  /** The first trigger starts; those within the period after it are skipped, or are one run at its end. Slots of the schedule do not count. */
  throttle: throttleSchema.optional(),
  /** Several triggers are one run, whose payload is the list of theirs. Slots of the schedule do not count. */
  batch: batchSchema.optional(),
}
/** Their names. */
export const GATING_FIELDS = Object.keys(gatingFields) as (keyof typeof gatingFields)[]
const gatingSchema = z.object(gatingFields)
export type Gating = Readonly<z.output<typeof gatingSchema>>
