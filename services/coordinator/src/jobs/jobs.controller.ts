import { liveJobSchema, parseInput } from '@carillon/contracts'
import type { ControllerOf } from '@carillon/runtime'
import type { ChangeJobs } from './change-jobs.ts'
import type { KeepMemory } from './keep-memory.ts'
import type { PreviewJobs } from './preview-job.ts'
import type { JobCache, ReadJobs } from './read-jobs.ts'

export interface JobCases {
  readonly changeJobs: ChangeJobs
  readonly readJobs: ReadJobs
  readonly previewJobs: PreviewJobs
  readonly keepMemory: KeepMemory
  readonly jobs: JobCache
  readonly gateHints: { jobChanged(namespace: string, name: string): void }
  readonly triggers: { changed(): void }
}

export const jobsController = ({ changeJobs, readJobs, previewJobs, keepMemory, jobs, triggers, gateHints }: JobCases) =>
  ({
    answers: {
      jobsPut: ({ namespace, input: { ifRevision, ...job }, by }) => changeJobs.put(namespace, job, { by, ifRevision }),
      jobsCheck: ({ namespace, input }) => changeJobs.check(namespace, input),
      jobsPreview: ({ namespace, input }) => previewJobs.execute(namespace, input),
      tasksData: ({ namespace, input }) => keepMemory.set(namespace, input),
      tasksMemory: ({ namespace, input }) => keepMemory.read(namespace, input.taskId),
      jobsGet: ({ namespace, input }) => readJobs.get(namespace, input.name),
      jobsList: ({ namespace, input }) => readJobs.list(namespace, input),
      jobsPause: ({ namespace, input, by }) => changeJobs.pause(namespace, input.name, { note: input.note, by }),
      jobsResume: ({ namespace, input, by }) => changeJobs.resume(namespace, input.name, by),
      jobsDeclare: ({ namespace, input, by }) => changeJobs.declare(namespace, input, by),
      jobsRelease: ({ namespace, input, by }) => changeJobs.release(namespace, input.name, by),
      jobsHistory: ({ namespace, input }) => readJobs.changes.list(namespace, input),
      jobsRemove: ({ namespace, input, by }) => changeJobs.remove(namespace, input.name, { ...input, by }),
    },
    receives: {
      // Every coordinator publishes this when it changes a job.
      'live.job.*.changed': async ({ namespace, tokens, body }) => {
        jobs.forget(namespace, tokens[1] ?? '')
        triggers.changed()
        // What waits for a job that was removed is being cancelled, or, if it is to be kept, is started by the coordinator that has removed it.
        if (parseInput(liveJobSchema, body).what !== 'removed') gateHints.jobChanged(namespace, tokens[1] ?? '')
      },
    },
  }) satisfies ControllerOf<'coordinator'>
