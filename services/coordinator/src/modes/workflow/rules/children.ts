import { CarillonError, type Failure, isEnded, LIMITS, printable, retryMark, type StartRun } from '@carillon/contracts'
import type { Plan, RunHead, RunRecord, TaskHead, TaskNode } from '@carillon/store'
import type { Decision } from '../../../runs/rules/decision.ts'
import type { ParentTask } from '../../../runs/rules/start-item.ts'
import type { Counts } from '../../mode.ts'
import { largestKeys } from './context-size.ts'

/** What the task of a node keeps until its child run is stored: it is the intent to start that. */
export interface ChildIntent {
  readonly request: Omit<StartRun, 'payload'>
  /** Absent: that of the run. */
  readonly payload?: unknown
  readonly context?: Readonly<Record<string, unknown>>
  /** Of a list: an item for each task of the child run, and the rest of its plan. */
  readonly items?: readonly unknown[]
  readonly plan?: Plan
}

/** A task, and the child run that it waits for; undefined: it is not stored. */
export interface Waiting {
  readonly task: TaskHead
  readonly child: RunHead | undefined
}

/** Whether a task waits for a child run. */
export const waitsForChild = ({ state, node }: Pick<TaskHead, 'state' | 'node'>): boolean => node?.child !== undefined && !isEnded(state)

/** What is to be done about a child run: `never` stores it as cancelled, so that nobody starts it any more. */
type Step = 'start' | 'never' | 'cancel' | 'restart' | 'end'

/** Decided from both records alone, so any coordinator may do it at any time; undefined: nothing is to be done. */
export function childStep({ task, child }: Waiting): Step | undefined {
  const isStopping = task.state === 'cancelling'
  if (!child) return isStopping ? 'never' : 'start'
  if (!isEnded(child.state)) return isStopping && child.state !== 'cancelling' ? 'cancel' : undefined
  // One that is being cancelled is begun again, too: the next step cancels that attempt, which nobody can begin any more then.
  return child.attempt > (task.node?.after ?? 0) ? 'end' : 'restart'
}

/** The member of `generations` that says with the child run of which generation a node goes on. */
export const keptChild = (place: number): string => `${place}.child`

/** Whether a retry of what failed goes on with a child run. One that was stored so that it never starts does nothing more. */
export const mayGoOn = (child: Pick<RunHead, 'reason'> | undefined): boolean =>
  child !== undefined && child.reason !== 'not-startable' && child.reason !== 'parent-ended'

/** What a task waits for that is to begin. @param child the same, if it is there: a retry goes on with it */
export function nodeOfChild(id: string, { child, isList }: { child: RunHead | undefined; isList: boolean }): TaskNode {
  const hasFailed = child !== undefined && isEnded(child.state) && child.state !== 'succeeded'
  return { child: id, ...(isList ? { list: true } : {}), ...(hasFailed ? { after: child.attempt } : {}) }
}

/** The end of a child run. */
export interface EndedChild {
  readonly run: RunRecord
  /** JSON text of the keys that a workflow has set, or why they cannot be read. */
  readonly context: string | CarillonError | undefined
  /** Of a list: the errors of the first items that have failed. */
  readonly errors: readonly string[]
}

/** A node ends as its child run. */
export function decideAsChild(task: TaskHead, { run, context, errors }: EndedChild, now: number): Decision {
  const expect = { state: ['running', 'cancelling'], attempt: task.attempt } as const
  const ended = { endedAt: now, wakeAt: null, result: task.node?.list ? itemsResult(countsIn(run)) : run.result }
  if (run.state === 'succeeded') {
    const refusal = typeof context === 'object' ? context.message : tooLarge(context)
    if (refusal !== undefined) {
      const error = { name: 'CONTEXT_TOO_LARGE', message: refusal }
      return { event: 'failed', expect, set: { ...ended, state: 'failed', reason: 'invalid-result', error } }
    }
    const added = typeof context === 'string' ? { context, contextBytes: Buffer.byteLength(context) } : {}
    return { event: 'succeeded', expect, set: { ...ended, ...added, state: 'succeeded', reason: 'completed', error: null } }
  }
  if (run.state === 'cancelled')
    return { event: 'cancelled', expect, set: { ...ended, state: 'cancelled', reason: 'cancelled-by-request', error: run.error } }
  return { event: 'failed', expect, set: { ...ended, state: 'failed', reason: 'child-failed', error: failureOf(run, errors) } }
}

function tooLarge(context: string | undefined): string | undefined {
  const bytes = context === undefined ? 0 : Buffer.byteLength(context)
  if (context === undefined || bytes <= LIMITS.contextBytes) return undefined
  const largest = largestKeys(JSON.parse(context) as Record<string, unknown>)
  return `what it gives back to the context has ${bytes} bytes, the limit is ${LIMITS.contextBytes}; ${largest}`
}

function failureOf({ id, job, handler, state, error }: RunRecord, errors: readonly string[]): Failure {
  const why = [...(error ? [error.message] : []), ...errors].join('; ')
  const message = `run ${id} of ${job ?? handler} ended as ${state}${why && `: ${why}`}`
  return { name: error?.name ?? 'ChildFailed', message: message.slice(0, LIMITS.errorTextBytes) }
}

const countsIn = ({ result }: RunRecord): Counts => (result === null ? {} : (JSON.parse(result) as { tasks?: Counts }).tasks) ?? {}

/** What the nodes behind one with a list see of it: never the results of its items, which are read from its child run. */
export function itemsOf(counts: Counts): { total: number; succeeded: number; failed: number } {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return { total, succeeded: counts.succeeded ?? 0, failed: (counts.failed ?? 0) + (counts.timed_out ?? 0) }
}
export const itemsResult = (counts: Counts): string => JSON.stringify(itemsOf(counts))

/** The jobs of the runs that a child of this run is within, the outermost first; handlers, of runs without a job. */
const ancestorsOf = ({ terms, job, handler }: Pick<RunHead, 'terms' | 'job' | 'handler'>): string[] => [
  ...(terms?.ancestors ?? []),
  job ?? handler,
]

/** What a child run of a task has from the run that it is within. */
export function parentOf(run: Pick<RunHead, 'terms' | 'job' | 'handler'>, { id, attempt }: Pick<TaskHead, 'id' | 'attempt'>): ParentTask {
  const { chain, retry, withinRetry } = run.terms ?? {}
  return {
    taskId: id,
    ancestors: ancestorsOf(run),
    chain,
    withinRetry: retry === undefined ? withinRetry : retryMark(run.handler, attempt),
  }
}

/** @throws CarillonError NESTED_TOO_DEEP */
export function checkNesting({ name, isJob }: { name: string; isJob: boolean }, ancestors: readonly string[]): void {
  const chain = [...ancestors, name].join(' → ')
  const wrong = (why: string) => new CarillonError('NESTED_TOO_DEEP', `${chain}: ${why}`, { field: 'job', value: printable(name) })
  if (isJob && ancestors.includes(name))
    throw wrong(`a run of ${printable(name)} waits for this one already, and each would wait for the next`)
  if (ancestors.length >= LIMITS.nesting) throw wrong(`${ancestors.length} runs are within one another, ${LIMITS.nesting} may be`)
}
