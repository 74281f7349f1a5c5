import { CarillonError, printable } from '@carillon/contracts'
import type { Tombstone } from '@carillon/store'

export function runNotFound(runId: string): CarillonError {
  return new CarillonError('RUN_NOT_FOUND', `there is no run ${printable(runId)}`, { field: 'runId', value: printable(runId) })
}

/** One that was kept for its time, and whose id is still taken. */
export function removedRun({ id, job, handler, endedAt, removedAt }: Tombstone): CarillonError {
  const [ended, removed] = [endedAt, removedAt].map((at) => new Date(at).toISOString())
  const message = `run ${printable(id)} of ${job ?? handler} ended ${ended}; it was kept for its time and removed ${removed}`
  return new CarillonError('RUN_REMOVED', message, { field: 'runId', value: printable(id) })
}
