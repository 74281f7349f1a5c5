import { isEnded, REASONS, type Reason, runIdOfTask, undoneByTask } from '@carillon/contracts'
import type { RunHead, TaskHead } from '@carillon/store'
import { isFanOut } from '../../modes/rules/fan-out.ts'
import { limitOf } from './limits.ts'
import { limitOfWait } from './waits-of-nodes.ts'

/** What holds a run back, as far as it is known. */
export interface WhyFacts {
  readonly run: RunHead
  /** Why no instance may be given tasks of its handler; undefined: some may. */
  readonly noInstance: string | undefined
  /** Instances that may be given tasks of its handler. */
  readonly offering: number
  /** What holds it back at a gate. */
  readonly atGate: string | undefined
  /** Since when its steps wait for signals. */
  readonly waitingSince: number | undefined
}

const at = (time: number | null) => (time === null ? 'soon' : `at ${new Date(time).toISOString()}`)

/** Each says why a run is in its state, if that is what holds it; the first that does is the answer. A further rule that holds runs back is a further row. */
const ROWS: readonly ((facts: WhyFacts) => string | undefined)[] = [
  ({ run }) => {
    if (!isEnded(run.state)) return undefined
    const text = run.error?.message ?? (run.reason ? REASONS[run.reason] : '')
    return `it has ended as ${run.state}${run.endedAt === null ? '' : ` ${at(run.endedAt)}`}: ${text}`
  },
  ({ run }) => (run.state === 'paused' ? `it has been paused ${pausedText(run)}` : undefined),
  ({ run }) => (run.state === 'cancelling' ? `it is being cancelled: ${holderOf(run)} has not confirmed yet` : undefined),
  ({ run, noInstance }) => {
    if (run.state !== 'running') return undefined
    if (!isFanOut(run)) return `it runs: ${holderOf(run)} has had it since ${new Date(run.startedAt ?? 0).toISOString()}`
    return noInstance === undefined ? 'its tasks are under way' : `its tasks wait: ${noInstance}`
  },
  ({ atGate }) => atGate,
  ({ run, waitingSince }) => {
    if (run.state !== 'delayed') return undefined
    if (run.reason === 'retry') {
      const last = run.error ? `, after ${run.error.name}: ${run.error.message}` : ''
      return `attempt ${run.attempt} of ${run.attempts} begins ${at(run.wakeAt)}${last}`
    }
    if (run.reason === 'signal') return waitText({ ...run, runId: run.id }, waitingSince)
    return run.reason === 'sleep'
      ? `its steps sleep; they go on ${at(run.wakeAt)}`
      : `it was asked for at a later time: it is due ${at(run.wakeAt)}`
  },
  ({ noInstance }) => noInstance,
  ({ run, offering }) =>
    `it waits for a free slot: ${offering} ${offering === 1 ? 'instance offers' : 'instances offer'} handler \`${run.handler}\``,
]

/** One that was paused with the run that it is within goes on with that. */
function pausedText({ id, terms, parentTask }: RunHead): string {
  const isWithin = terms?.paused?.within && parentTask !== null
  const resumed = isWithin ? (runIdOfTask(parentTask) ?? parentTask) : id
  const since = `since ${new Date(terms?.paused?.at ?? 0).toISOString()}`
  return `${since}${isWithin ? `, with run ${resumed}` : ''}: carillon runs resume ${resumed}`
}

/** Why a run is in its state, in one sentence; with the moment at which it ends by itself. */
export function whyOf(facts: WhyFacts): string {
  const why = ROWS.map((row) => row(facts)).find((text) => text !== undefined) ?? ''
  const limit = isEnded(facts.run.state) ? undefined : limitOf(facts.run)
  if (!limit) return why
  return limit.event === 'expired' ? `${why}; it expires ${at(limit.at)}` : `${why}; its time is over ${at(limit.at)}`
}

/** What holds back a node of a workflow that has begun. @param whyNone why no instance may be given its task; undefined: some may */
export function whyOfNode(task: TaskHead, whyNone: () => string | undefined): string {
  const { name, state, owner, attempt, attempts, reason, node } = task
  const wakeAt = limitOfWait(task)
  if (state === 'running' && node?.child !== undefined) return `node ${name} waits for run ${node.child}`
  if (undoneByTask(task.id))
    return `node ${name} is being undone: its task is ${state}${state === 'queued' ? `, ${whyNone() ?? 'and waits for a free slot'}` : ''}`
  if (state === 'running') return `node ${name} runs: ${owner === null ? 'its executor' : `instance ${owner}`} has it`
  if (state === 'paused') return `node ${name} is held until the run is resumed`
  if (state === 'cancelling') return `node ${name} is being cancelled`
  if (state === 'delayed' && reason === 'approval')
    return `node ${name} waits until someone approves or rejects it${sinceText(task.startedAt)}${wakeAt === null ? '' : `; its time is over ${at(wakeAt)}`}: carillon runs approve ${task.runId} ${name}`
  if (state === 'delayed' && reason === 'signal') return `node ${name}: ${waitText({ ...task, wakeAt }, task.startedAt)}`
  if (state === 'delayed')
    return reason === 'retry'
      ? `attempt ${attempt} of ${attempts} of node ${name} begins ${at(wakeAt)}`
      : `node ${name} waits: it goes on ${at(wakeAt)}`
  return `node ${name} waits: ${whyNone() ?? 'for a free slot'}`
}

/** For what a run may wait that does not come by itself; the first of these is that of a run whose nodes wait for several. */
const HELD_BY = ['approval', 'signal', 'no-instance'] as const satisfies readonly Reason[]

/** The reason of a workflow of which all open nodes have these; undefined: one of them goes on by itself. */
export function reasonOfNodes(reasons: readonly (Reason | null)[]): (typeof HELD_BY)[number] | undefined {
  const held: readonly (Reason | null)[] = HELD_BY
  return reasons.every((reason) => held.includes(reason)) ? HELD_BY.find((reason) => reasons.includes(reason)) : undefined
}

/** What a task whose steps wait for signals waits for. */
function waitText({ waits, wakeAt, runId }: Pick<TaskHead, 'waits' | 'wakeAt' | 'runId'>, since: number | null | undefined): string {
  const names = [...new Set((waits ?? []).map(({ signal }) => `\`${signal}\``))]
  const which = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
  const until = wakeAt === null ? '' : `; its time is over ${at(wakeAt)}`
  const signal = waits?.[0]?.signal
  const how = names.length === 1 && !waits?.[0]?.child ? `: carillon runs signal ${runId} ${signal}` : ''
  return `it waits for ${names.length === 1 ? 'the signal' : 'a signal:'} ${which}${sinceText(since)}${until}${how}`
}

const sinceText = (since: number | null | undefined) => (since == null ? '' : ` since ${new Date(since).toISOString()}`)

const holderOf = ({ owner }: RunHead) => (owner === null ? 'its executor' : `instance ${owner}`)
