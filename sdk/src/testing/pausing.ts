import { CarillonError, isEnded, printable } from '@carillon/contracts'
import { applyEvent, type Run } from './life.ts'

/**
 * A run is paused as coordinators do it: its tasks that are under way end, nothing of it starts, and its limits of time stand still.
 * @throws CarillonError RUN_ENDED, RUN_NOT_PAUSABLE
 */
export function pauseRun(run: Run, now: number): void {
  refuseEnded(run)
  const { state } = run
  if (state === 'paused') return
  const isPausable = state === 'delayed' || (run.mode !== 'single' && (state === 'queued' || state === 'running'))
  if (!isPausable) throw notPausable(run)
  applyEvent(run, 'paused')
  run.paused = { at: now, from: state as 'delayed' | 'queued' | 'running' }
  holdTasks(run, 'paused')
}

/** Tasks of a paused run that would begin are held. */
export function holdTasks(run: Run, reason?: 'paused'): void {
  for (const task of run.tasks.values())
    if (task.state === 'queued' && task.owner === undefined) applyEvent(task, 'paused', reason === undefined ? {} : { reason })
}

/**
 * It goes on as it was.
 * @returns how long one is delayed that was between two attempts
 * @throws CarillonError RUN_ENDED
 */
export function resumeRun(run: Run, now: number): number | undefined {
  refuseEnded(run)
  const { paused } = run
  if (run.state !== 'paused' || paused === undefined) return undefined
  run.paused = undefined
  run.pausedMs = (run.pausedMs ?? 0) + (now - paused.at)
  if (paused.from === 'delayed') {
    applyEvent(run, 'postponed')
    return Math.max(0, (run.dueAt ?? now) - now)
  }
  applyEvent(run, paused.from === 'queued' ? 'freed' : 'resumed')
  for (const task of run.tasks.values()) {
    if (task.state !== 'paused') continue
    // As in a mesh, where an instance may have begun it a moment before: the number fences its reports, and uses no try.
    const fence = task.reason === 'paused' ? { attempt: task.attempt + 1, attempts: task.attempts + 1 } : {}
    applyEvent(task, 'freed', { reason: undefined, ...fence })
  }
  return undefined
}

function refuseEnded({ id, state }: Run): void {
  if (isEnded(state)) throw new CarillonError('RUN_ENDED', `run ${id} has ended: ${state}`, { field: 'runId', value: id })
}

function notPausable({ id, state, mode }: Run): CarillonError {
  const why = mode === 'single' ? `its only task is ${state}: it can be paused between two attempts` : 'it is being cancelled'
  return new CarillonError('RUN_NOT_PAUSABLE', `run ${printable(id)} cannot be paused: ${why}`, { field: 'runId', value: printable(id) })
}
