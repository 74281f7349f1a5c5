import { CarillonError, printable, type RunState } from '@carillon/contracts'
import { isForInstances, isTaskOfRun, type Work } from './work.ts'

/** The instance that claims to run an attempt of a task. */
export interface Caller {
  readonly taskId: string
  readonly attempt: number
  readonly instance: string
}

/** The expectation of a task that its caller runs: a start that is not stored yet is no reason to refuse it. */
export const runsIn = ({ attempt, instance }: Caller, states: readonly RunState[]) => ({ state: states, attempt, owner: [null, instance] })

/** States of a run of which tasks may be under way. */
const GOING_ON: readonly RunState[] = ['running', 'paused', 'cancelling']

/** @throws CarillonError TASK_NOT_RUNNING unless the caller runs this attempt of it, as far as is known */
export function checkRuns(work: Work, caller: Caller, states: readonly RunState[]): void {
  const { run, task } = work
  if (!isForInstances(work)) throw notRunning(caller, 'no instance runs it')
  if (isTaskOfRun(work) && !GOING_ON.includes(run.state)) throw notRunning(caller, `its run is ${run.state}`)
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
