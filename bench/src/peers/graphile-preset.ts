import { Logger } from 'graphile-worker'

export type GraphileTuning = 'default' | 'tuned'

/** Concurrency 100; tuned: the batches that its own page on performance recommends, and a connection for a quarter of the jobs under way. */
export function graphilePreset(url: string, tuning: GraphileTuning): GraphileConfig.Preset {
  const tuned = { maxPoolSize: 25, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
  const logger = new Logger(() => () => undefined)
  return { worker: { connectionString: url, concurrentJobs: 100, logger, ...(tuning === 'tuned' ? tuned : {}) } }
}
