import * as z from 'zod'
import { call } from './call.ts'
import { statsJobSchema, statsJobViewSchema, statsOverviewSchema, statsOverviewViewSchema, statsQueuesViewSchema } from './stats.ts'

/** The calls about what ended and what waits. */
export const STATS_CALLS = {
  statsOverview: call('coordinator', 'stats.overview', {
    input: statsOverviewSchema,
    repeatable: 'always',
    answer: statsOverviewViewSchema,
    description:
      'What ended in the last hour, day, week or month: rates, failures, run times, lateness, queues; the slowest and the most failing jobs',
  }),
  statsJob: call('coordinator', 'stats.job', {
    input: statsJobSchema,
    repeatable: 'always',
    answer: statsJobViewSchema,
    description: 'The same of one job, also of one that was removed',
  }),
  statsQueues: call('coordinator', 'stats.queues', {
    input: z.strictObject({}),
    repeatable: 'always',
    answer: statsQueuesViewSchema,
    description: 'What waits now, by handler and reason, how long, and which gates are full',
  }),
} as const
