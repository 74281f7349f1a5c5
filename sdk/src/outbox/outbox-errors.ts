import { CarillonError, messageOf } from '@carillon/contracts'

/** @param error of the system */
export function unusable(path: string, error: unknown): CarillonError {
  return new CarillonError('OUTBOX_UNUSABLE', `${path} cannot be used: ${messageOf(error)}`, {
    field: 'outbox.folder',
    value: path,
    cause: error,
  })
}

/** The code of an error of the system. */
export const systemCode = (error: unknown): unknown => (error as { code?: unknown } | null)?.code
