import { CarillonError, printable } from '@carillon/contracts'

export function runNotFound(runId: string): CarillonError {
  return new CarillonError('RUN_NOT_FOUND', `there is no run ${printable(runId)}`, { field: 'runId', value: printable(runId) })
}
