import { OPEN_STATES, type RunState, stageOf, stageStart, stageTaskId } from '@carillon/contracts'
import type { RunHead, Store } from '@carillon/store'
import type { MapFacts, StageTally } from './plan.ts'

/** What takes room of those that may be under way at once. */
export const UNDER_WAY = OPEN_STATES.filter((state) => state !== 'waiting')
const STOPPABLE = OPEN_STATES.filter((state) => state !== 'cancelling')

/** What a planner needs to know of a run that maps, asked so that it costs the same for ten tasks and for a million while any is open. */
export async function lookAtMap(store: Store, run: RunHead): Promise<MapFacts> {
  const { tasks } = store
  const runId = run.id
  const any = async (states: readonly RunState[], before?: string) => (await tasks.countUpTo({ runId, states, before, atMost: 1 })) > 0
  if (run.state === 'queued' || !(await any(OPEN_STATES))) {
    const tally = await tallyOf(store, runId)
    const [merge, first] = await tasks.get([stageTaskId(runId, 'merge'), stageTaskId(runId, 'reduce', 0)])
    return { tally, last: merge ?? first }
  }
  if (run.state === 'cancelling') return { isStoppable: await any(STOPPABLE) }
  const [waiting] = (await tasks.list({ runId, state: 'waiting', limit: 1 })).items
  if (!waiting) return {}
  const stage = stageOf(waiting.id)
  const isTooEarly = stage !== 'map' && (await any(OPEN_STATES, stageStart(runId, stage)))
  // The first part of a reduce is made last: without it some may be missing, and they are made again.
  if (stage === 'reduce' && !isTooEarly && !(await tasks.heads([stageTaskId(runId, 'reduce', 0)]))[0])
    return { tally: (await tallyOf(store, runId)).filter((kind) => kind.stage === 'map') }
  const limit = run.plan?.maxParallel
  const underWay = limit === undefined ? 0 : await tasks.countUpTo({ runId, states: UNDER_WAY, atMost: limit })
  return { waiting: isTooEarly ? undefined : stage, underWay }
}

/** How many tasks there are of each kind, in each stage. */
export async function tallyOf({ tasks }: Store, runId: string): Promise<StageTally[]> {
  const starts = (['map', 'reduce', 'merge'] as const).map((stage) => ({ stage, from: stageStart(runId, stage) }))
  const tallies = await Promise.all(starts.map(({ from }, i) => tasks.tally({ runId, from, before: starts[i + 1]?.from })))
  return tallies.flatMap((tally, i) => tally.map((kind) => ({ ...kind, stage: starts[i]!.stage })))
}
