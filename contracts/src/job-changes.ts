import * as z from 'zod'
import { nameField, timeField } from './fields.ts'
import { jobInputSchema, jobViewSchema } from './job.ts'
import { LIMITS } from './limits.ts'

/** A job as the code of an executor declares it. */
export const declareJobSchema = jobInputSchema.extend({
  /** Of the definition: raise it whenever that changes. A lower one than the stored is refused. */
  version: z.int().min(1),
})
export type DeclareJob = z.input<typeof declareJobSchema>

/**
 * What became of a declaration. `edited`: an operator has changed the job since it was declared, which stays in force until the job is released; the
 * declaration is kept for that.
 */
export const jobDeclaredSchema = z.object({
  outcome: z.enum(['created', 'replaced', 'unchanged', 'edited']),
  job: jobViewSchema,
})
export type JobDeclared = Readonly<z.output<typeof jobDeclaredSchema>>

export const listJobChangesSchema = z.strictObject({
  name: nameField,
  cursor: z.string().max(200).optional(),
  limit: z.int().min(1).max(LIMITS.changesPerJob).default(20),
})

/** `released`: an operator gave a job that was edited back to the code that declares it. */
export const JOB_CHANGES = ['put', 'declared', 'paused', 'resumed', 'released', 'removed'] as const
export type JobChangeKind = (typeof JOB_CHANGES)[number]

const fieldChangeSchema = z.object({
  /** As a path, such as `schedule.cron`. */
  field: z.string(),
  /** Absent: the job did not have it. */
  from: z.unknown().exactOptional(),
  /** Absent: the job does not have it any more. */
  to: z.unknown().exactOptional(),
})

/** One change of a job, and what differs from the one before. Of the oldest one that is kept that is not known. */
export const jobChangeSchema = z.object({
  revision: z.int(),
  at: timeField,
  change: z.enum(JOB_CHANGES),
  /** Who changed it, as that party names itself. */
  by: z.string().exactOptional(),
  /** Of a declaration. */
  version: z.int().exactOptional(),
  /** A value of more than 2 KiB is given as the beginning of its JSON text. */
  fields: z.array(fieldChangeSchema).readonly().exactOptional(),
})
export type JobChange = Readonly<z.output<typeof jobChangeSchema>>
