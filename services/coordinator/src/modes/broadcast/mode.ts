import type { Mode } from '../mode.ts'
import { retryOfTasks } from '../retry.ts'
import { countsOf } from '../rules/fan-in.ts'
import { oneStage } from '../tree.ts'
import { type BroadcastSituation, planBroadcast } from './plan.ts'

export const broadcast: Mode = {
  look: async (run, { store, offering, now }): Promise<BroadcastSituation> => ({
    run,
    now: now(),
    counts: countsOf(await store.tasks.tally({ runId: run.id })),
    offering: offering(run.namespace, run.handler),
  }),
  plan: planBroadcast,
  retry: retryOfTasks,
  stages: oneStage,
}
