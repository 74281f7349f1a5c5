import { OWN_TASK_NAMES, type Stage, stageOf, stageStart, stageTaskId } from '@carillon/contracts'
import type { NamedTally, RunHead, Tally, TaskRecord } from '@carillon/store'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import type { Effect, Facts, TreeStage } from '../mode.ts'
import { countsOf, endOf, NOT_SUCCEEDED, totalOf } from '../rules/fan-in.ts'
import { ALL_OPEN, begun, checkedAgain, freed } from '../rules/go-on.ts'

export interface StageTally extends Tally {
  readonly stage: Stage
}

/** Of a run whose tasks make tasks. They may be millions: they are counted only when none is open. */
export interface MapFacts extends Facts {
  /** No instance may have its tasks yet, and it has limits. */
  readonly waits?: boolean
  /** How many there are of each kind; undefined while any is open and the run has begun. Parts of an incomplete reduce do not count. */
  readonly tally?: readonly StageTally[]
  /** Of open ones: the stage of those that wait and may be freed. */
  readonly waiting?: Stage | undefined
  /** Of open ones: how many are under way, counted no further than may be. */
  readonly underWay?: number
  /** Of open ones: whether any is not being cancelled yet. */
  readonly isStoppable?: boolean
  /** The last task of a run that reduces: its merge, or the only part of its reduce. */
  readonly last?: TaskRecord | undefined
  /** Of a reduce that is to be made: the ids of the leaves with which its parts begin, but for the first. Undefined if leaves changed in between. */
  readonly firsts?: readonly string[] | undefined
}

/**
 * Map and map-reduce. Tasks create tasks by calls of their own; the plan decides what follows when none is open: the parts of the reduce, the
 * merge, the end. Stages have deterministic ids, so several coordinators that decide at the same time create the same tasks.
 */
export function planMap(facts: MapFacts): Effect[] {
  const { run, tally } = facts
  if (tally === undefined) return goOnMapping(facts)
  if (run.state !== 'queued') return nextStage(facts, tally)
  if (tally.length > 0) return [...reopenedOf(run, tally), begun(facts)]
  if (facts.waits) return checkedAgain()
  const root = taskOfRun(run, { id: stageTaskId(run.id, 'map'), name: 'root', index: 0, total: 1 })
  return [{ do: 'create', tasks: [root] }, begun(facts)]
}

function goOnMapping({ run, isStoppable, waiting, underWay = 0 }: MapFacts): Effect[] {
  if (run.state === 'cancelling') return isStoppable ? [{ do: 'cancel', tasks: ALL_OPEN }] : []
  return waiting ? freed(run, { underWay, ...rangeOfStage(run.id, waiting) }) : []
}

/** Of a run whose failed tasks are run again. What was reduced before some of its leaves had succeeded is reduced again. */
function reopenedOf(run: RunHead, tally: readonly StageTally[]): Effect[] {
  const failed: Effect = { do: 'reopen', tasks: { states: NOT_SUCCEEDED } }
  const isMapWhole = ofStage(tally, 'map').every(({ state }) => state === 'succeeded')
  const reduced: Effect = { do: 'reopen', tasks: { states: ['succeeded'], from: stageStart(run.id, 'reduce') } }
  return isMapWhole ? [failed] : [failed, reduced]
}

/** No task is open. */
function nextStage(facts: MapFacts, tally: readonly StageTally[]): Effect[] {
  const { run } = facts
  const deciding = decidingOf(tally)
  const end = endOf({ ...facts, counts: deciding })
  if (end.event !== 'succeeded' || run.mode === 'map') return [{ do: 'decide', decision: end }]
  const reduced = countsOf([...ofStage(tally, 'reduce'), ...ofStage(tally, 'merge')])
  // Leaves may be missing if the run tolerates it; a part of the reduce stands for many that have succeeded.
  if (NOT_SUCCEEDED.some((state) => (reduced[state] ?? 0) > 0))
    return [{ do: 'decide', decision: endOf({ ...facts, run: { ...run, plan: null }, counts: reduced }) }]
  const parts = totalOf(countsOf(ofStage(tally, 'reduce')))
  const isMerged = ofStage(tally, 'merge').length > 0
  if (leavesOf(tally) === 0 || isMerged || parts === 1) {
    const result = facts.last?.result ?? end.set.result ?? null
    return [{ do: 'decide', decision: { ...end, set: { ...end.set, result } } }]
  }
  // It was cancelled when no task was open.
  if (run.state === 'cancelling') return [{ do: 'decide', decision: endOf({ ...facts, counts: { ...deciding, cancelled: 1 } }) }]
  if (parts > 0) return [{ do: 'create', tasks: [taskOfRun(run, { id: stageTaskId(run.id, 'merge'), name: 'merge', index: 0, total: 1 })] }]
  return facts.firsts ? [{ do: 'create', tasks: reduceTasks(run, facts.firsts) }] : []
}

/** Only leaves decide the outcome; but so does a task that failed after it had mapped: the rest of its items is missing. */
const decidingOf = (tally: readonly StageTally[]) =>
  countsOf(ofStage(tally, 'map').filter(({ mapped, state }) => mapped === 0 || state !== 'succeeded'))
const leavesOf = (tally: readonly StageTally[]) => countsOf(ofStage(tally, 'map').filter(({ mapped }) => mapped === 0)).succeeded ?? 0

/** With how many leaves before them the parts of a reduce begin that is to be made now; none if there is nothing to be made. */
export function ranksToReduce(run: RunHead, tally: readonly StageTally[]): number[] {
  const leaves = leavesOf(tally)
  const isReduced = run.mode === 'map-reduce' && run.state === 'running' && ofStage(tally, 'reduce').length === 0
  return isReduced && leaves > 0 ? ranksOf(leaves, Math.min(run.plan?.shards ?? 1, leaves)) : []
}

/** The ids of a stage's tasks; the last stage is not bounded. */
export function rangeOfStage(runId: string, stage: Stage): { from: string; before?: string } {
  const next = STAGES[STAGES.indexOf(stage) + 1]
  return { from: stageStart(runId, stage), ...(next ? { before: stageStart(runId, next) } : {}) }
}
export const STAGES = ['map', 'reduce', 'merge'] as const satisfies readonly Stage[]

const ofStage = (tally: readonly StageTally[], stage: Stage) => tally.filter((kind) => kind.stage === stage)

/** Ranks of the leaves with which the parts begin: contiguous and even, larger parts first. */
export function ranksOf(leaves: number, parts: number): number[] {
  const [size, larger] = [Math.floor(leaves / parts), leaves % parts]
  return Array.from({ length: parts }, (_, i) => i * size + Math.min(i, larger))
}

/** The range of ids of the results that a task reduces: `from` inclusive, `before` exclusive. */
export interface ReduceRange {
  readonly from: string
  readonly before: string
}

/**
 * The parts of a reduce. The first is created last: none begins before it exists, so none begins before all exist.
 * @param firsts the ids of the leaves with which they begin, but for the first, which begins with the stage
 */
export function reduceTasks(run: RunHead, firsts: readonly string[]): TaskRecord[] {
  const starts = [stageStart(run.id, 'map'), ...firsts]
  const parts = starts.map((from, index) => {
    const range: ReduceRange = { from, before: starts[index + 1] ?? stageStart(run.id, 'reduce') }
    const id = stageTaskId(run.id, 'reduce', index)
    return taskOfRun(run, { id, name: 'reduce', index, total: starts.length, item: JSON.stringify(range) })
  })
  return [...parts.slice(1), ...parts.slice(0, 1)]
}

/** The range of results that a task reduces, or undefined for one that reduces nothing. */
export function rangeOf(task: Pick<TaskRecord, 'id' | 'runId' | 'item'>): ReduceRange | undefined {
  const stage = stageOf(task.id)
  if (stage === 'merge') return { from: stageStart(task.runId, 'reduce'), before: stageStart(task.runId, 'merge') }
  return stage === 'reduce' && task.item !== null ? (JSON.parse(task.item) as ReduceRange) : undefined
}

/** The stages of a run whose tasks make tasks, in the order in which they come: by the name of their tasks. */
export function stagesOf(names: readonly NamedTally[]): TreeStage[] {
  const [root, reduce, merge] = OWN_TASK_NAMES
  const rank = (name: string) => (name === root ? 0 : name === reduce ? 2 : name === merge ? 3 : 1)
  return [...new Set(names.map(({ name }) => name ?? root))]
    .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
    .map((name) => {
      const counts = countsOf(names.filter((kind) => (kind.name ?? root) === name))
      return { name, total: totalOf(counts), counts }
    })
}
