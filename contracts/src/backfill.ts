import * as z from 'zod'
import { nameField, timeField } from './fields.ts'
import { LIMITS } from './limits.ts'
import { boundField } from './schedule.ts'

/** Past slots of a job that are to be fired on purpose. */
export const backfillJobSchema = z.strictObject({
  name: nameField,
  /** The first slot at that time or behind it; of a day, in the zone of the schedule, from its beginning. */
  from: boundField,
  /** The last one at that time or before it; of a day until its end. */
  to: boundField,
  /** Runs of these that may be open at once. */
  concurrency: z.int().min(1).max(LIMITS.gateHolders).default(1),
})
export type BackfillJob = z.output<typeof backfillJobSchema>

export const jobBackfillSchema = z.object({
  /** The first and the last slot; missing where there is none. */
  from: timeField.exactOptional(),
  to: timeField.exactOptional(),
  /** Slots of the range that the schedule has, and its calendars permit. */
  slots: z.int(),
  /** Runs that were made; the other slots have one already. */
  created: z.int(),
})
export type JobBackfill = z.output<typeof jobBackfillSchema>
