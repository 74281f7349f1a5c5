import * as z from 'zod'
import { page, pageOf } from './answers.ts'
import { backfillJobSchema, jobBackfillSchema } from './backfill.ts'
import { calendarInputSchema, calendarViewSchema } from './calendar.ts'
import { call } from './call.ts'
import { nameField } from './fields.ts'
import { jobCheckedSchema, jobInputSchema, jobViewSchema } from './job.ts'
import { declareJobSchema, jobChangeSchema, jobDeclaredSchema, listJobChangesSchema } from './job-changes.ts'
import { jobPreviewSchema, previewJobSchema } from './preview.ts'
import { startedRunSchema, startRunSchema } from './run.ts'

const byName = z.strictObject({ name: nameField })
/** Only if the stored revision is this one; 0: only if there is none. Otherwise PRECONDITION_FAILED, and nothing is changed. */
const ifRevision = z.int().min(0).optional()
const putJobSchema = jobInputSchema.extend({ ifRevision })
const putCalendarSchema = calendarInputSchema.safeExtend({ ifRevision }).meta(calendarInputSchema.meta() ?? {})
const removeJobSchema = z.strictObject({
  name: nameField,
  ifRevision,
  /** Delayed runs are not cancelled with their job. */
  keepRuns: z.boolean().default(false),
})
/** The calls about jobs and calendars. */
export const JOB_CALLS = {
  jobsPut: call('coordinator', 'jobs.put', {
    input: putJobSchema,
    repeatable: 'never',
    answer: jobViewSchema,
    description: 'Create a job, or replace the one of that name',
  }),
  jobsCheck: call('coordinator', 'jobs.check', {
    input: jobInputSchema,
    repeatable: 'always',
    answer: jobCheckedSchema,
    description: 'Whether jobs.put would accept a job, but for a circle of afterJobs; nothing is stored',
  }),
  jobsGet: call('coordinator', 'jobs.get', { input: byName, repeatable: 'always', answer: jobViewSchema, description: 'One job' }),
  jobsList: call('coordinator', 'jobs.list', {
    input: page,
    repeatable: 'always',
    answer: pageOf(jobViewSchema),
    description: 'Jobs by name',
  }),
  jobsPreview: call('coordinator', 'jobs.preview', {
    input: previewJobSchema,
    repeatable: 'always',
    answer: jobPreviewSchema,
    description: 'The next slots of a job or of a schedule, and what would have been missed',
  }),
  jobsBackfill: call('coordinator', 'jobs.backfill', {
    input: backfillJobSchema,
    repeatable: 'always',
    answer: jobBackfillSchema,
    description: 'Fire the slots of a past range; those that have a run keep it',
  }),
  jobsPause: call('coordinator', 'jobs.pause', {
    input: z.strictObject({ name: nameField, note: z.string().max(1_000).optional() }),
    repeatable: 'never',
    answer: jobViewSchema,
    description: 'Take no further slots',
  }),
  jobsResume: call('coordinator', 'jobs.resume', {
    input: byName,
    repeatable: 'never',
    answer: jobViewSchema,
    description: 'Take slots again, from now on',
  }),
  jobsDeclare: call('coordinator', 'jobs.declare', {
    input: declareJobSchema,
    repeatable: 'always',
    answer: jobDeclaredSchema,
    description: 'Create or replace a job that code declares, unless its version is old or an operator has edited the job',
  }),
  jobsRelease: call('coordinator', 'jobs.release', {
    input: byName,
    repeatable: 'never',
    answer: jobViewSchema,
    description: 'Give a job that was edited back to the code that declares it: its newest declaration is in force',
  }),
  jobsHistory: call('coordinator', 'jobs.history', {
    input: listJobChangesSchema,
    repeatable: 'always',
    answer: pageOf(jobChangeSchema),
    description: 'Who changed a job, when and what, newest first; also of one that was removed',
  }),
  jobsRemove: call('coordinator', 'jobs.remove', {
    input: removeJobSchema,
    repeatable: 'never',
    answer: z.object({ removed: z.literal(true) }),
    description: 'Remove a job; runs that wait for their time end',
  }),
  jobsRun: call('coordinator', 'jobs.run', {
    input: startRunSchema,
    repeatable: 'with-identity',
    answer: startedRunSchema,
    description: 'Start one run',
  }),
  calendarsPut: call('coordinator', 'calendars.put', {
    input: putCalendarSchema,
    repeatable: 'never',
    answer: calendarViewSchema,
    description: 'Create a calendar, or replace the one of that name',
  }),
  calendarsGet: call('coordinator', 'calendars.get', {
    input: byName,
    repeatable: 'always',
    answer: calendarViewSchema,
    description: 'One calendar',
  }),
  calendarsList: call('coordinator', 'calendars.list', {
    input: page,
    repeatable: 'always',
    answer: pageOf(calendarViewSchema),
    description: 'Calendars by name',
  }),
  calendarsRemove: call('coordinator', 'calendars.remove', {
    input: byName.extend({ ifRevision }),
    repeatable: 'never',
    answer: z.object({ removed: z.literal(true) }),
    description: 'Remove a calendar',
  }),
} as const
