import * as z from 'zod'
import { instantField, nameField, timeField } from './fields.ts'
import { misfireAfterField, misfireField } from './job.ts'
import { LIMITS } from './limits.ts'
import { reasonField } from './run.ts'
import { scheduleSchema } from './schedule.ts'

/** A question about the slots of a stored job, or of a schedule that nobody has stored. */
export const previewJobSchema = z
  .strictObject({
    /** A stored job; of a schedule the name that it would have, which decides its jitter. */
    name: nameField.optional(),
    /** Default: that of the stored job. */
    schedule: scheduleSchema.optional(),
    /** Default: that of the stored job, else `once`. */
    misfire: misfireField.optional(),
    /** Default: that of the stored job, else 60,000. */
    misfireAfterMs: misfireAfterField.optional(),
    /** How many slots to come. */
    count: z.int().min(1).max(LIMITS.previewSlots).default(5),
    /** What would have happened if no coordinator had been there from `from` until `to`. */
    missed: z.strictObject({ from: instantField, to: instantField }).optional(),
  })
  .refine((preview) => preview.name !== undefined || preview.schedule !== undefined, {
    error: 'Name a job, or give a schedule.',
    path: ['name'],
  })

const skippedSlotsSchema = z.object({
  reason: reasonField,
  from: timeField,
  to: timeField,
  count: z.int(),
  /** They were too many to be counted: at least `count`. */
  atLeast: z.literal(true).exactOptional(),
})

export const jobPreviewSchema = z.object({
  schedule: scheduleSchema,
  /** The next slots that may run. */
  slots: z.array(
    z.object({
      /** The planned time. */
      slot: timeField,
      /** What the clock of the schedule's zone shows then. */
      local: z.string(),
      /** When it is fired: the planned time and its jitter. */
      fireAt: timeField,
    }),
  ),
  /** Slots that calendars exclude before the last of these. */
  skipped: z.array(skippedSlotsSchema),
  /** What the schedule says otherwise than it may have been meant. */
  warnings: z.array(z.string()),
  missed: z
    .object({
      /** Slots that would have had a run at the end of the window, late as they are. */
      run: z.array(timeField),
      skipped: z.array(skippedSlotsSchema),
    })
    .exactOptional(),
})
export type JobPreview = Readonly<z.output<typeof jobPreviewSchema>>
export type PreviewJob = z.output<typeof previewJobSchema>
