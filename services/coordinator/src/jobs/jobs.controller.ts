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
      jobsPut: ({ namespace, input }) => changeJobs.put(namespace, input),
      jobsPreview: ({ namespace, input }) => previewJobs.execute(namespace, input),
      tasksData: ({ namespace, input }) => keepMemory.set(namespace, input),
      tasksMemory: ({ namespace, input }) => keepMemory.read(namespace, input.taskId),
      jobsGet: ({ namespace, input }) => readJobs.get(namespace, input.name),
      jobsList: ({ namespace, input }) => readJobs.list(namespace, input),
      jobsPause: ({ namespace, input }) => changeJobs.pause(namespace, input.name, input.note),
      jobsResume: ({ namespace, input }) => changeJobs.resume(namespace, input.name),
      jobsRemove: ({ namespace, input }) => changeJobs.remove(namespace, input.name, input),
    },
    receives: {
      // Every coordinator publishes this when it changes a job.
      'live.job.*.changed': async ({ namespace, tokens }) => {
        jobs.forget(namespace, tokens[1] ?? '')
        triggers.changed()
        gateHints.jobChanged(namespace, tokens[1] ?? '')
      },
    },
  }) satisfies ControllerOf<'coordinator'>
