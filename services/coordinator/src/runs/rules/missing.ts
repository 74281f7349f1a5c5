import { CarillonError, printable } from '@carillon/contracts'
import type { Tombstone } from '@carillon/store'

/** Why a run is not found: there is none, or it was removed and its id is still taken. */
export const missingBecause = (
  tombstone: Tombstone | undefined,
  { namespace, runId }: { namespace: string; runId: string },
): CarillonError => (tombstone?.namespace === namespace ? removedRun(tombstone) : runNotFound(runId))

export function runNotFound(runId: string): CarillonError {
  return new CarillonError('RUN_NOT_FOUND', `there is no run ${printable(runId)}`, { field: 'runId', value: printable(runId) })
}

/** One that was kept for its time, and whose id is still taken. */
export function removedRun({ id, job, handler, endedAt, removedAt }: Tombstone): CarillonError {
  const [ended, removed] = [endedAt, removedAt].map((at) => new Date(at).toISOString())
  const message = `run ${printable(id)} of ${job ?? handler} ended ${ended}; it was kept for its time and removed ${removed}`
  return new CarillonError('RUN_REMOVED', message, { field: 'runId', value: printable(id) })
}
