import { CarillonError, type ErrorBody } from '@carillon/contracts'

/** The start of a run that a transaction of the user has committed. */
export interface OutboxRow {
  /** Makes the id of the run. */
  readonly key: string
  /** JSON text. */
  readonly request: string
  /** When it was requested, RFC 3339. */
  readonly requestedAt: string
}

/** Which rows are claimed: by this relay, until then. */
export interface ClaimQuery {
  readonly namespace: string
  /** Made anew for each claim: what is read back is what this claim has got. */
  readonly claim: string
  readonly limit: number
  readonly leaseMs: number
}

/**
 * Starts in a database of the user. Rows are claimed with a lease, in no order that a transaction could break: of two transactions the one that began first may commit last, so a
 * position that is remembered would pass over its rows.
 */
export interface OutboxTable {
  /** Where it is, for people. */
  readonly place: string
  /** Makes what is missing. Not in a transaction of the user. */
  prepare(): Promise<void>
  /** Up to `limit` rows that nobody has claimed, or whose lease is over; the oldest first. */
  claim(query: ClaimQuery): Promise<readonly OutboxRow[]>
  /** The store of the mesh has their runs. */
  remove(keys: readonly string[]): Promise<void>
  /** They may be claimed again at once, unless another one has claimed them since. */
  release(keys: readonly string[], claim: string): Promise<void>
  /** It stays for a person, with what is wrong, and is not claimed again. */
  refuse(key: string, error: ErrorBody): Promise<void>
}

/** Of the collection, or of the table. */
export const OUTBOX_NAME = 'carillon_outbox'

/** @throws CarillonError INVALID_REQUEST */
export function checkTableName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) return name
  const hint = 'Use up to 63 letters, digits and underscores, a letter or underscore first.'
  throw new CarillonError('INVALID_REQUEST', `table is wrong: ${JSON.stringify(name)}`, { field: 'table', value: String(name), hint })
}
