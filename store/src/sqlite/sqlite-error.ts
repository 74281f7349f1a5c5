import { CarillonError, type ErrorCode } from '@carillon/contracts'

const READ_ONLY = 8
const FULL = 13
/** BUSY, LOCKED, NOMEM, IOERR, CORRUPT, CANTOPEN, PROTOCOL, AUTH, NOTADB: the file or the machine, not the statement. */
const ENVIRONMENT = new Set([5, 6, 7, 10, 11, 14, 15, 23, 26])
/** Errors of the file system for a folder that is not writable. */
const NOT_WRITABLE: readonly unknown[] = ['EROFS', 'EACCES', 'EPERM']

/** An error of `node:sqlite` as one of the catalogue. What is caused neither by the disk nor by the file is INTERNAL. */
export function fromSqliteError(error: unknown, path: string): CarillonError {
  if (CarillonError.is(error)) return error
  const code = codeOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  return new CarillonError(code, `${path}: ${reason}`, { cause: error })
}

export function isDiskFull(error: unknown): boolean {
  return primaryCode(error) === FULL
}

function codeOf(error: unknown): ErrorCode {
  const primary = primaryCode(error)
  if (primary === FULL) return 'STORE_FULL'
  if (primary === READ_ONLY) return 'STORE_READ_ONLY'
  if (primary !== undefined && ENVIRONMENT.has(primary)) return 'STORE_UNAVAILABLE'
  const code = (error as { code?: unknown } | null)?.code
  if (NOT_WRITABLE.includes(code)) return 'STORE_READ_ONLY'
  // A closed handle: the store was closed while it was in use.
  return code === 'ERR_INVALID_STATE' ? 'STORE_UNAVAILABLE' : 'INTERNAL'
}

/** The low byte of SQLite's extended result code. */
function primaryCode(error: unknown): number | undefined {
  const errcode = (error as { errcode?: unknown } | null)?.errcode
  return typeof errcode === 'number' ? errcode & 0xff : undefined
}
