import type { ControllerOf } from '@carillon/runtime'
import type { ReadQueues } from './read-queues.ts'
import type { ReadStats } from './read-stats.ts'

export const statsController = ({ readStats, readQueues }: { readonly readStats: ReadStats; readonly readQueues: ReadQueues }) =>
  ({
    answers: {
      statsOverview: ({ namespace, input }) => readStats.overview(namespace, input),
      statsJob: ({ namespace, input }) => readStats.job(namespace, input),
      statsQueues: ({ namespace }) => readQueues.execute(namespace),
    },
  }) satisfies ControllerOf<'coordinator'>
