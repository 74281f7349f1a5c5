import { CarillonError, type ErrorCode } from '@carillon/contracts'
import { MongoError, MongoNetworkError, MongoParseError, MongoServerError } from 'mongodb'

export const DUPLICATE_KEY = 11_000
export const NAMESPACE_EXISTS = 48

/** An SQLSTATE of PostgreSQL as the number that DocumentDB makes of it: six bits a letter, the first in the lowest. */
export const sqlState = (state: string) => [...state].reduce((code, letter, i) => code | ((letter.charCodeAt(0) - 48) << (6 * i)), 0)

/** Transient errors: the same operation may succeed when it is sent again. Numbers of MongoDB's error_codes.yml, states of PostgreSQL. */
const TRANSIENT = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  64, // WriteConcernTimeout: stored, but not yet on a majority
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern: too few members answer just now
  112, // WriteConflict
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  317, // ConnectionPoolExpired
  358, // InternalTransactionNotSupported during a change of version
  9001, // SocketException
  10_107, // NotWritablePrimary
  11_600, // InterruptedAtShutdown
  11_602, // InterruptedDueToReplStateChange
  13_388, // StaleConfig
  13_435, // NotPrimaryNoSecondaryOk
  13_436, // NotPrimaryOrSecondary
  sqlState('40P01'), // deadlock
  sqlState('40001'), // serialization failure
  sqlState('55P03'), // lock not available
  sqlState('57P01'), // admin shutdown
  sqlState('57P02'), // crash shutdown
  sqlState('57P03'), // cannot connect now: it starts up
  sqlState('53300'), // too many connections
])
/** Unauthorized; a transaction that may only read. */
const READ_ONLY = new Set<unknown>([13, sqlState('25006')])
/** OutOfDiskSpace; disk full. */
const FULL = new Set<unknown>([14_031, sqlState('53100')])
/** BadValue, FailedToParse, TypeMismatch, ConflictingUpdateOperators, BSONObjectTooLarge, DocumentTooLarge: a fault of this adapter. */
const BAD_REQUEST = new Set<unknown>([2, 9, 14, 40, 10_334, 17_419])
/** FerretDB answers InternalError with the message of PostgreSQL. */
const PASSING_WORDS =
  /recovery mode|starting up|shutting down|terminating connection|deadlock|could not serialize|broken pipe|connection re(?:set|fused)|unexpected EOF|failed to connect|conn closed/i
const FULL_WORDS = /no space left|disk full|out of disk/i

/** Worth sending again at once. Not: that no server was found, which has cost its own time limit already. */
export function isTransient(error: unknown): boolean {
  if (error instanceof MongoNetworkError || isSocketError(error)) return true
  if (!(error instanceof MongoServerError)) return false
  if (typeof error.code === 'number' && TRANSIENT.has(error.code)) return true
  return error.hasErrorLabel('RetryableWriteError') || (error.code === 1 && PASSING_WORDS.test(error.message))
}

/** The driver does not wrap an error of the socket while a large command is being written. */
const isSocketError = (error: unknown) => error instanceof Error && 'syscall' in error

/** An error of the driver as one of the catalogue. */
export function fromMongoError(error: unknown, place: string): CarillonError {
  if (CarillonError.is(error)) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new CarillonError(codeOf(error), `${place}: ${reason}`, { cause: error })
}

function codeOf(error: unknown): ErrorCode {
  if (isSocketError(error)) return 'STORE_UNAVAILABLE'
  if (!(error instanceof MongoError) || error instanceof MongoParseError) return 'INTERNAL'
  if (FULL.has(error.code) || FULL_WORDS.test(error.message)) return 'STORE_FULL'
  if (READ_ONLY.has(error.code)) return 'STORE_READ_ONLY'
  return BAD_REQUEST.has(error.code) ? 'INTERNAL' : 'STORE_UNAVAILABLE'
}
