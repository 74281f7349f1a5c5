import { OWN_TASK_NAMES, type Stage, stageOf, stageStart, stageTaskId } from '@carillon/contracts'
import type { NamedTally, RunHead, Tally, TaskRecord } from '@carillon/store'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import { begun, type Counts, countsOf, type Effect, endOf, type Facts, freed, NOT_SUCCEEDED, type Planner, totalOf } from '../planner.ts'

export interface StageTally extends Tally {
  readonly stage: Stage
}

/** What a planner knows of a run that maps. Its tasks may be millions: they are counted only when none is open. */
export interface MapFacts {
  /** How many there are of each kind; undefined while any is open and the run has begun. Parts of a reduce that is not whole are none. */
  readonly tally?: readonly StageTally[]
  /** Of open ones: the stage of those that wait and may be freed. */
  readonly waiting?: Stage | undefined
  /** Of open ones: how many are under way, counted no further than may be. */
  readonly underWay?: number
  /** Of open ones: whether any is not being cancelled yet. */
  readonly isStoppable?: boolean
  /** The last task of a run that reduces: its merge, or the only part of its reduce. */
  readonly last?: TaskRecord | undefined
}

/**
 * Map and map-reduce (semantics D4, D5). Tasks make tasks by calls of their own; what is decided here is what comes when none is open: the
 * parts of the reduce, the merge, the end. Stages have deterministic ids, so whoever decides the same at the same time makes the same.
 */
export const planMap: Planner = (facts) => {
  const { run, map = {} } = facts
  if (map.tally === undefined) return goOnMapping(facts, map)
  if (run.state !== 'queued') return nextStage(facts, map.tally)
  if (map.tally.length > 0) return [...reopenedOf(map.tally), begun(facts)]
  const root = taskOfRun(run, { id: stageTaskId(run.id, 'map'), name: 'root', index: 0, total: 1 })
  return [{ do: 'create', tasks: [root] }, begun(facts)]
}

function goOnMapping({ run }: Facts, { waiting, underWay = 0, isStoppable }: MapFacts): Effect[] {
  if (run.state === 'cancelling') return isStoppable ? [{ do: 'cancel' }] : []
  return waiting ? freed(run, underWay).map((effect) => ({ ...effect, stage: waiting })) : []
}

/** Of a run whose failed tasks are run again. What was reduced before some of its leaves had succeeded is reduced again. */
function reopenedOf(tally: readonly StageTally[]): Effect[] {
  const failed: Effect = { do: 'reopen', states: NOT_SUCCEEDED }
  const isMapWhole = ofStage(tally, 'map').every(({ state }) => state === 'succeeded')
  return isMapWhole ? [failed] : [failed, { do: 'reopen', states: ['succeeded'], from: 'reduce' }]
}

/** No task is open. */
function nextStage(facts: Facts, tally: readonly StageTally[]): Effect[] {
  const { run } = facts
  // Only leaves decide (semantics D6); but a task that failed decides as well if it had mapped: what it still had to map is missing.
  const deciding = countsOf(ofStage(tally, 'map').filter(({ mapped, state }) => mapped === 0 || state !== 'succeeded'))
  const end = endOf({ ...facts, counts: deciding })
  if (end.event !== 'succeeded' || run.mode === 'map') return [{ do: 'decide', decision: end }]
  const reduced = countsOf([...ofStage(tally, 'reduce'), ...ofStage(tally, 'merge')])
  // Leaves may be missing if the run tolerates it; a part of the reduce stands for many that have succeeded.
  if (NOT_SUCCEEDED.some((state) => (reduced[state] ?? 0) > 0))
    return [{ do: 'decide', decision: endOf({ ...facts, run: { ...run, plan: null }, counts: reduced }) }]
  const leaves = countsOf(ofStage(tally, 'map').filter(({ mapped }) => mapped === 0)).succeeded ?? 0
  const parts = totalOf(countsOf(ofStage(tally, 'reduce')))
  const isMerged = ofStage(tally, 'merge').length > 0
  if (leaves === 0 || isMerged || parts === 1) {
    const result = facts.map?.last?.result ?? end.set.result ?? null
    return [{ do: 'decide', decision: { ...end, set: { ...end.set, result } } }]
  }
  // It was cancelled when there was nothing to be cancelled.
  if (run.state === 'cancelling') return [{ do: 'decide', decision: endOf({ ...facts, counts: { ...deciding, cancelled: 1 } }) }]
  if (parts === 0) return [{ do: 'split', leaves, parts: Math.min(run.plan?.shards ?? 1, leaves) }]
  return [{ do: 'create', tasks: [taskOfRun(run, { id: stageTaskId(run.id, 'merge'), name: 'merge', index: 0, total: 1 })] }]
}

const ofStage = (tally: readonly StageTally[], stage: Stage) => tally.filter((kind) => kind.stage === stage)

/** Ranks of the leaves with which the parts begin: contiguous and even, larger parts first. */
export function ranksOf(leaves: number, parts: number): number[] {
  const [size, larger] = [Math.floor(leaves / parts), leaves % parts]
  return Array.from({ length: parts }, (_, i) => i * size + Math.min(i, larger))
}

/** The ids of results that a task reduces: from one on, and before another. */
export interface ReduceRange {
  readonly from: string
  readonly before: string
}

/** The parts of a reduce. @param firsts the ids of the leaves with which they begin, but for the first, which begins with the stage */
export function reduceTasks(run: RunHead, firsts: readonly string[]): TaskRecord[] {
  const starts = [stageStart(run.id, 'map'), ...firsts]
  return starts.map((from, index) => {
    const range: ReduceRange = { from, before: starts[index + 1] ?? stageStart(run.id, 'reduce') }
    const id = stageTaskId(run.id, 'reduce', index)
    return taskOfRun(run, { id, name: 'reduce', index, total: starts.length, item: JSON.stringify(range) })
  })
}

/** What a task has to reduce, or undefined for one that reduces nothing. */
export function rangeOf(task: Pick<TaskRecord, 'id' | 'runId' | 'item'>): ReduceRange | undefined {
  const stage = stageOf(task.id)
  if (stage === 'merge') return { from: stageStart(task.runId, 'reduce'), before: stageStart(task.runId, 'merge') }
  return stage === 'reduce' && task.item !== null ? (JSON.parse(task.item) as ReduceRange) : undefined
}

/** The stages of a run that maps, in the order in which they come: by the name of their tasks. */
export function stagesOf(names: readonly NamedTally[]): { name: string; total: number; counts: Counts }[] {
  const [root, reduce, merge] = OWN_TASK_NAMES
  const rank = (name: string) => (name === root ? 0 : name === reduce ? 2 : name === merge ? 3 : 1)
  return [...new Set(names.map(({ name }) => name ?? root))]
    .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
    .map((name) => {
      const counts = countsOf(names.filter((kind) => (kind.name ?? root) === name))
      return { name, total: totalOf(counts), counts }
    })
}
