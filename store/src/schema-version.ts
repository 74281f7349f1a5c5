import { CarillonError } from '@carillon/contracts'

/** The newest migration of every engine. A store with a later one was written by a newer program, and may hold records that this one misreads. */
export const SCHEMA_VERSION = 17

/** @throws CarillonError STORE_TOO_NEW @param found the newest migration that the store has */
export function refuseNewer(found: number, place: string): void {
  if (found <= SCHEMA_VERSION) return
  throw new CarillonError('STORE_TOO_NEW', `${place} has schema version ${found}; this program knows versions up to ${SCHEMA_VERSION}`, {
    field: 'store',
    value: String(found),
  })
}
