import { CarillonError, printable } from '@carillon/contracts'
import type { Mode } from '../mode.ts'
import { retryOfTasks } from '../retry.ts'
import { totalOf } from '../rules/fan-in.ts'
import { waitsForInstance } from '../rules/go-on.ts'
import { oneStage } from '../tree.ts'
import { type MapFacts, planMap, stagesOf } from './plan.ts'
import { readMapFacts } from './read-facts.ts'

/** Names are not queried for more tasks: to sort them would delay other work. */
const NAMED_AT_MOST = 100_000

/** Map, and map-reduce. */
export const map: Mode = {
  readFacts: async (run, { store, offering, now }): Promise<MapFacts> => ({
    run,
    now: now(),
    waits: waitsForInstance(run, offering),
    ...(await readMapFacts(store, run)),
  }),
  plan: planMap,
  async retry(run, request, store) {
    const result = await retryOfTasks(run, request, store)
    // The tasks that it has created stay.
    if (request.only) return result
    throw new CarillonError('INVALID_REQUEST', `run ${printable(run.id)} has mapped: it cannot be run again as a whole`, {
      field: 'only',
      hint: 'Run its failed tasks again with only: "failed", or start a new run.',
    })
  },
  tree: async (run, counts, store) =>
    totalOf(counts) <= NAMED_AT_MOST ? { stages: stagesOf(await store.tasks.names(run.id)) } : oneStage(run, counts),
}
