import { OPEN_STATES, type RunState, stageOf, stageStart, stageTaskId } from '@carillon/contracts'
import type { RunHead, Store } from '@carillon/store'
import { UNDER_WAY } from '../rules/fan-in.ts'
import { type MapFacts, rangeOfStage, ranksToReduce, STAGES, type StageTally } from './plan.ts'

const STOPPABLE = OPEN_STATES.filter((state) => state !== 'cancelling')

/** Reads the facts about a run whose tasks make tasks, by queries that cost the same for ten tasks and for a million while any is open. */
export async function readMapFacts(store: Store, run: RunHead): Promise<Omit<MapFacts, 'run' | 'now' | 'waits'>> {
  const { tasks } = store
  const runId = run.id
  const any = async (states: readonly RunState[], before?: string) => (await tasks.countUpTo({ runId, states, before, atMost: 1 })) > 0
  if (run.state === 'queued' || !(await any(OPEN_STATES))) {
    const tally = await tallyOf(store, runId)
    const [merge, first] = await tasks.get([stageTaskId(runId, 'merge'), stageTaskId(runId, 'reduce', 0)])
    return { tally, last: merge ?? first, firsts: await firstsOf(store, { run, tally }) }
  }
  if (run.state === 'cancelling') return { isStoppable: await any(STOPPABLE) }
  const [waiting] = (await tasks.list({ runId, state: 'waiting', limit: 1 })).items
  if (!waiting) return {}
  const stage = stageOf(waiting.id)
  const isTooEarly = stage !== 'map' && (await any(OPEN_STATES, stageStart(runId, stage)))
  // The first part of a reduce is created last: without it some may be missing, and they are created again.
  if (stage === 'reduce' && !isTooEarly && !(await tasks.heads([stageTaskId(runId, 'reduce', 0)]))[0]) {
    const tally = (await tallyOf(store, runId)).filter((kind) => kind.stage === 'map')
    return { tally, firsts: await firstsOf(store, { run, tally }) }
  }
  const limit = run.plan?.maxParallel
  const underWay = limit === undefined ? 0 : await tasks.countUpTo({ runId, states: UNDER_WAY, atMost: limit })
  return { waiting: isTooEarly ? undefined : stage, underWay }
}

/** How many tasks there are of each kind, in each stage. */
export async function tallyOf({ tasks }: Store, runId: string): Promise<StageTally[]> {
  const tallies = await Promise.all(STAGES.map((stage) => tasks.tally({ runId, ...rangeOfStage(runId, stage) })))
  return tallies.flatMap((tally, i) => tally.map((kind) => ({ ...kind, stage: STAGES[i]! })))
}

/** The leaves with which the parts of a reduce begin that is to be made now. Undefined if leaves changed in between: the next reconciliation sees them. */
async function firstsOf({ tasks }: Store, { run, tally }: { run: RunHead; tally: readonly StageTally[] }): Promise<string[] | undefined> {
  const firsts: string[] = []
  let passed = 0
  for (const rank of ranksToReduce(run, tally).slice(1)) {
    // Counted from the part before, not from the beginning: the leaves are scanned once, whatever the number of parts.
    const range = { from: firsts.at(-1), before: stageStart(run.id, 'reduce') }
    const first = await tasks.leafAt({ runId: run.id, ...range, rank: rank - passed })
    if (first === undefined) return undefined
    firsts.push(first)
    passed = rank
  }
  return firsts
}
