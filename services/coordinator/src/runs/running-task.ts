import { CarillonError, isTaskId, printable, type RunState } from '@carillon/contracts'
import type { Store } from '@carillon/store'
import type { Work } from '../dispatch/work-stream.ts'
import { readTasks } from './tasks-of-runs.ts'

/** Who says that it runs which attempt of a task. */
export interface Caller {
  readonly taskId: string
  readonly attempt: number
  readonly instance: string
}

/** A task by its id: one of many, or the only one of a single run. */
export async function findWork(store: Store, taskId: string): Promise<Work | undefined> {
  if (isTaskId(taskId)) return (await readTasks(store, [taskId]))[0]
  const [run] = await store.runs.heads([taskId])
  return run && { run, task: run }
}

/** What holds of a task while a caller runs it: a start that was not stored yet is no reason to refuse it. */
export const runsIn = ({ attempt, instance }: Caller, states: readonly RunState[]) => ({ state: states, attempt, owner: [null, instance] })

/** @throws CarillonError TASK_NOT_RUNNING unless the caller runs this attempt of it, as far as is known */
export function checkRuns({ run, task }: Work, caller: Caller, states: readonly RunState[]): void {
  if (task !== run && run.state !== 'running' && run.state !== 'cancelling') throw notRunning(caller, `its run is ${run.state}`)
  if (!states.includes(task.state)) throw notRunning(caller, `it is ${task.state}`)
  if (task.attempt !== caller.attempt) throw notRunning(caller, `it is at attempt ${task.attempt}`)
  if (task.owner !== null && task.owner !== caller.instance) throw notRunning(caller, `instance ${task.owner} has it`)
}

export function notRunning({ taskId, attempt }: Caller, why: string): CarillonError {
  return new CarillonError('TASK_NOT_RUNNING', `attempt ${attempt} of task ${taskId} does not run: ${why}`, {
    field: 'taskId',
    value: printable(taskId),
  })
}
