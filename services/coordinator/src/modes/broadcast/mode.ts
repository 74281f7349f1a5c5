import type { Mode } from '../mode.ts'
import { retryOfTasks } from '../retry.ts'
import { countsOf } from '../rules/fan-in.ts'
import { oneStage } from '../tree.ts'
import { type BroadcastFacts, planBroadcast } from './plan.ts'

export const broadcast: Mode = {
  readFacts: async (run, { store, offering, now }): Promise<BroadcastFacts> => ({
    run,
    now: now(),
    counts: countsOf(await store.tasks.tally({ runId: run.id })),
    offering: offering(run),
  }),
  plan: planBroadcast,
  retry: retryOfTasks,
  tree: oneStage,
}
