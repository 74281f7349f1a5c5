import * as z from 'zod'
import { durationField, instantField, nameField, objectField, taskIdField, timeField } from './fields.ts'

const caller = { taskId: taskIdField, attempt: z.int().min(1), instance: nameField }

/** A running task chooses when its job fires next: the newest choice counts, and the schedule goes on after it. */
export const chooseSlotSchema = z
  .strictObject({
    ...caller,
    /** A time that has passed means now. */
    at: instantField.optional(),
    delayMs: durationField.optional(),
  })
  .refine((choice) => (choice.at === undefined) !== (choice.delayMs === undefined), { error: 'Give either at or delayMs.', path: ['at'] })
export type ChooseSlot = z.output<typeof chooseSlotSchema>
/** The next slot of the job; absent where nothing was chosen: the run has no job, or the job is paused or gone. */
export const slotChosenSchema = z.object({ nextAt: timeField.exactOptional() })

const OBJECT_HINT = 'Use an object, such as {"cursor":7}; {} removes what was kept.'
/** A running task replaces what the runs of its job keep for each other. */
export const setDataSchema = z.strictObject({ ...caller, data: objectField(OBJECT_HINT) })
export type SetData = z.output<typeof setDataSchema>
/** `kept`: false where the run has no job, or the job is gone. */
export const dataSetSchema = z.object({ kept: z.boolean() })

export const readMemorySchema = z.strictObject({ taskId: taskIdField })
/** What the earlier runs of a task's job have left. */
export const jobMemorySchema = z.object({
  /** What `tasks.data` was last given. */
  data: z.record(z.string(), z.unknown()),
  /** The last run of the job that succeeded before, if it is still there. */
  last: z.object({ runId: z.string(), result: z.unknown(), endedAt: timeField }).exactOptional(),
})
export type JobMemory = Readonly<z.output<typeof jobMemorySchema>>
