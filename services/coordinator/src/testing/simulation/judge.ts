import { isEnded, type RunMode, stageOf } from '@carillon/contracts'
import type { RunRecord, Store } from '@carillon/store'
import type { StageTally } from '../../modes/map/plan.ts'
import { tallyOf } from '../../modes/map/read-facts.ts'
import { countsOf, endedOf, totalOf } from '../../modes/rules/fan-in.ts'
import { entriesOf } from '../../steps/rules/journal.ts'

interface Judge {
  /** Its tasks are made in stages, of which the first decides. */
  readonly hasStages: boolean
  /** What is wrong with a run that succeeded. */
  success(store: Store, run: RunRecord): Promise<string[]>
}

const JUDGES: Readonly<Record<RunMode, Judge>> = {
  single: { hasStages: false, success: judgeSteps },
  broadcast: { hasStages: false, success: async () => [] },
  shards: { hasStages: false, success: judgeShards },
  map: { hasStages: true, success: async () => [] },
  'map-reduce': { hasStages: true, success: judgeReduced },
  workflow: { hasStages: false, success: async () => [] },
}

/** Its tasks make tasks while it runs. */
export const makesTasksByCall = ({ mode }: RunRecord) => JUDGES[mode].hasStages

/** The run and all its tasks have ended. */
export async function isOver(store: Store, runId: string): Promise<boolean> {
  const [[run], tally] = await Promise.all([store.runs.get([runId]), store.tasks.tally({ runId })])
  return run !== undefined && [run, ...tally].every(({ state }) => isEnded(state))
}

/** The violations of a run at the end: derived from what each mode guarantees, not from how it is planned. */
export async function judgeEnd(store: Store, run: RunRecord): Promise<string[]> {
  const judge = JUDGES[run.mode]
  const all = (await store.tasks.tally({ runId: run.id })).map((kind) => ({ ...kind, stage: 'map' as const }))
  const tally = judge.hasStages ? await tallyOf(store, run.id) : all
  const summary = `${run.state}, tasks ${JSON.stringify(countsOf(tally))}, plan ${JSON.stringify(run.plan)}`
  if (!isEnded(run.state)) return [`it never ended: ${summary}`]
  const violations = [...judgeOutcome(run, tally)]
  if (run.state === 'succeeded') violations.push(...(await judge.success(store, run)))
  return violations.map((what) => `${what}: ${summary}`)
}

function* judgeOutcome(run: RunRecord, tally: readonly StageTally[]): Generator<string> {
  const counts = countsOf(tally)
  const total = totalOf(counts)
  if (total === 0) return
  if (endedOf(counts) < total) yield 'tasks of an ended run are open'
  const isLater = ({ stage }: StageTally) => stage !== 'map'
  const deciding = countsOf(tally.filter((kind) => !isLater(kind) && (kind.mapped === 0 || kind.state !== 'succeeded')))
  const failed = (deciding.failed ?? 0) + (deciding.timed_out ?? 0)
  const isPartMissing = tally.some((kind) => isLater(kind) && (kind.state === 'failed' || kind.state === 'timed_out'))
  const { tolerate = 0 } = run.plan ?? {}
  const tolerated = tolerate === '30%' ? Math.floor(totalOf(deciding) * 0.3) : Number(tolerate)
  if (run.reason !== 'cancelled-by-request' && (run.state === 'failed') !== (failed > tolerated || isPartMissing))
    yield 'the outcome is not that of its tasks'
  if (run.state === 'succeeded' && (counts.cancelled ?? 0) > 0) yield 'cancelled tasks are no success'
}

async function judgeShards(store: Store, run: RunRecord): Promise<string[]> {
  return totalOf(countsOf(await store.tasks.tally({ runId: run.id }))) === run.plan?.shards ? [] : ['some shards are missing']
}

/** The result contains the result of every leaf that succeeded, once and in order. */
async function judgeReduced(store: Store, run: RunRecord): Promise<string[]> {
  const { items } = await store.tasks.list({ runId: run.id, state: 'succeeded', isLeaf: true, limit: 1_000 })
  const leaves = items.filter(({ id }) => stageOf(id) === 'map').map(({ id }) => id)
  const isAll = leaves.length === 0 || run.result === JSON.stringify(leaves)
  return isAll ? [] : [`what was reduced is not what the leaves gave: ${run.result} of ${leaves.join()}`]
}

/** The result equals the journal, whichever instances ran the steps: none continued with an unstored result. */
async function judgeSteps(store: Store, run: RunRecord): Promise<string[]> {
  const { items } = await store.steps.list({ taskId: run.id, limit: 1_000 })
  const stored = JSON.stringify(entriesOf(items, run.resume).map(({ result }) => result))
  const programs = new Set(entriesOf(items, run.resume).map(({ result }) => String(result).split(' ')[0]))
  if (programs.size > 1) return [`steps of several programs: ${stored}`]
  return run.result === stored ? [] : [`the steps are not those that were stored: ${run.result}, not ${stored}`]
}
