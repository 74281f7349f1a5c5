import type { ErrorCode } from '@carillon/contracts'

/** The exit codes of commands. */
export const EXIT = { ok: 0, failed: 1, wrongInput: 2, unreachable: 3, interrupted: 130, terminated: 143 } as const

const WRONG_INPUT: readonly ErrorCode[] = [
  'JSON_TOO_DEEP',
  'INTEGER_TOO_LARGE',
  'PAYLOAD_TOO_LARGE',
  'SIGNAL_TOO_LARGE',
  'CRON_NEVER_FIRES',
  'TOO_MANY_RUNS',
  'NEEDS_BROKER',
]
const UNREACHABLE: readonly ErrorCode[] = [
  'NATS_UNAVAILABLE',
  'GATEWAY_UNAVAILABLE',
  'AUTH_FAILED',
  'NOT_SIGNED_IN',
  'TLS_FAILED',
  'NATS_TOO_OLD',
  'JETSTREAM_MISSING',
  'NO_SERVICE',
  'OVERLOADED',
  'CALL_TIMEOUT',
  'NOT_CONNECTED',
  'STORE_UNAVAILABLE',
]

/** The exit code of a command that ended with this error. */
export function exitCodeOf(code: ErrorCode): number {
  if (code.startsWith('INVALID_') || WRONG_INPUT.includes(code)) return EXIT.wrongInput
  return UNREACHABLE.includes(code) ? EXIT.unreachable : EXIT.failed
}
