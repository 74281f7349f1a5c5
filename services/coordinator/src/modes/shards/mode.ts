import type { Mode } from '../mode.ts'
import { retryOfTasks } from '../retry.ts'
import { countsOf } from '../rules/fan-in.ts'
import { waitsForInstance } from '../rules/go-on.ts'
import { oneStage } from '../tree.ts'
import { planShards, type ShardsFacts } from './plan.ts'

export const shards: Mode = {
  readFacts: async (run, { store, offering, now }): Promise<ShardsFacts> => ({
    run,
    now: now(),
    counts: countsOf(await store.tasks.tally({ runId: run.id })),
    waits: waitsForInstance(run, offering),
    items: run.state === 'queued' ? ((await store.runs.get([run.id]))[0]?.items ?? null) : null,
  }),
  plan: planShards,
  retry: retryOfTasks,
  tree: oneStage,
}
