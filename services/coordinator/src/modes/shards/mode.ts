import type { Mode } from '../mode.ts'
import { retryOfTasks } from '../retry.ts'
import { waitsForInstance } from '../rules/go-on.ts'
import { oneStage } from '../tree.ts'
import { planShards, type ShardsFacts } from './plan.ts'
import { readCounts, readItems } from './read-facts.ts'

export const shards: Mode = {
  readFacts: async (run, { store, offering, now }): Promise<ShardsFacts> => ({
    run,
    now: now(),
    counts: await readCounts(store, run),
    waits: waitsForInstance(run, offering),
    items: await readItems(store, run),
  }),
  plan: planShards,
  retry: retryOfTasks,
  tree: oneStage,
}
