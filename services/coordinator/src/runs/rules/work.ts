import { subjects, undoneByTask, workConsumer } from '@carillon/contracts'
import type { RunHead, RunRecord, TaskHead, TaskRecord } from '@carillon/store'
import { isAssigned } from '../../dispatch/rules/assigned.ts'
import { isFanOut } from '../../modes/rules/fan-out.ts'

/** A task, and the run that it belongs to. The only task of a single run is part of the run's record: there both are the same. */
export interface Work {
  readonly run: RunHead
  readonly task: RunHead | TaskHead
}

/** The same with payload and item: what its message carries. */
export interface WholeWork {
  readonly run: RunRecord
  readonly task: RunRecord | TaskRecord
}

/** A task of a fan-out run, and the run: what is the same for all its tasks. */
export interface TaskOfRun {
  readonly task: TaskHead
  readonly run: RunHead
}

export const isTaskRecord = <Task extends TaskHead>(task: RunHead | Task): task is Task => 'runId' in task

/** Whether it has a record of its own. */
export const isTaskOfRun = (work: Work): work is TaskOfRun => isTaskRecord(work.task)

/** The only task of a single run. */
export const onlyTask = <Run extends RunHead>(run: Run) => ({ run, task: run })

/** The subject of its message. */
export const subjectOf = ({ run, task }: Work) => subjects.work(run.namespace, run.handler, task.id, run.terms?.priority)

/** The consumer by which executors pull the messages of a run. */
export const consumerOf = ({ namespace, handler, terms }: RunHead) => workConsumer(namespace, handler, terms?.priority)

/** A run as one of its tasks sees it: a task of a workflow has a handler and rules of its own. */
export const runOf = <Run extends RunHead>(run: Run, { node }: Pick<TaskHead, 'node'>): Run => (node?.own ? { ...run, ...node.own } : run)

/** Whether it is a leg of a broadcast, which has had its instance from the beginning. */
export const isLeg = (work: Work): work is TaskOfRun => isTaskOfRun(work) && work.run.mode === 'broadcast'

/** Whether instances run it: none runs a run that has tasks, nor a node that waits, publishes, or is a child run. */
export const isForInstances = (work: Work): boolean =>
  isTaskOfRun(work) ? work.task.node === null || work.task.node.own !== undefined : !isFanOut(work.run)

/** Whether the broker should have a message for it. */
export function needsMessage<Kind extends Work>(work: Kind | undefined): work is Kind {
  if (work?.task.state !== 'queued') return false
  if (work.run.routing !== null || work.task.pinnedAt !== null) return false
  if (!isTaskOfRun(work)) return !isFanOut(work.run) && !isAssigned(work.run)
  const { run, task } = work
  // What undoes nodes runs also while the run is being cancelled.
  const mayBegin = run.state === 'running' || (run.state === 'cancelling' && undoneByTask(task.id) !== undefined)
  return task.target === null && mayBegin
}

/** A task that is cached as a head has payload and item undefined. */
export function isWhole(work: Work): work is WholeWork {
  const { run, task }: { run: Partial<RunRecord>; task: Partial<RunRecord> | Partial<TaskRecord> } = work
  return run.payload !== undefined && ('runId' in task ? task.item !== undefined : 'payload' in task && task.payload !== undefined)
}

/** Bytes that its message takes, about. */
export const bytesOf = ({ run, task }: WholeWork): number =>
  run.payload.length + (isTaskRecord<TaskRecord>(task) ? (task.item?.length ?? 0) : 0)
