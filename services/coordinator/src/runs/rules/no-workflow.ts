import { CarillonError, printable } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'

/** Something was asked of a run that only workflows have. @param field what was given: `runId` of a request that is about nodes in any case */
export function noWorkflow({ id, mode }: Pick<RunHead, 'id' | 'mode'>, field: string, value: unknown): CarillonError {
  const message = `run ${printable(id)} is no workflow, its mode is ${mode}: it has no nodes`
  const hint = field === 'runId' ? 'Name a run of a workflow: `carillon runs tree <run>` shows its nodes.' : `Leave out ${field}.`
  return new CarillonError('INVALID_REQUEST', message, { field, value: printable(value), hint })
}
