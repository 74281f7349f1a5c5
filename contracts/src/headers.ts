import { CarillonError, printable } from './errors.ts'
import { nearest } from './hints.ts'
import { LIMITS } from './limits.ts'

/** Headers that Carillon reads and writes. Options of a trigger travel here, so that its body is the payload and nothing else. */
export const HEADERS = {
  /** W3C trace context: of a call or trigger that of its sender, of work and offers that of the run, of log lines that of the attempt. Reports need none. */
  traceparent: 'traceparent',
  /** Idempotency key of a trigger. */
  key: 'Carillon-Key',
  /** Delay of a trigger in milliseconds. */
  delayMs: 'Carillon-Delay-Ms',
  /** Fire time of a trigger, RFC 3339. */
  at: 'Carillon-At',
  /** Total tries of a triggered run. */
  attempts: 'Carillon-Attempts',
  /** Time limit of an attempt of a triggered run, in milliseconds. */
  timeoutMs: 'Carillon-Timeout-Ms',
  /** Time limit of a triggered run, over all attempts, in milliseconds. */
  runTimeoutMs: 'Carillon-Run-Timeout-Ms',
  /** Within how many milliseconds a triggered run must have started. */
  deadlineMs: 'Carillon-Deadline-Ms',
  /** Priority of a triggered run: high, normal or low. */
  priority: 'Carillon-Priority',
  /** How long a signal is kept that nothing takes, in milliseconds. */
  ttlMs: 'Carillon-Ttl-Ms',
  /** Who makes a call, or sends a trigger or a signal, as that party names itself: 200 characters at most. Runs, changes of jobs and cordons keep it. */
  by: 'Carillon-By',
  /** Of a call that a gateway passes on: the account and the request behind it, as JSON. Entries of the audit log keep it. */
  account: 'Carillon-Account',
  /** Of a call between services: the scene and the attempt of the retry that it is part of, as `scene/attempt`. What it leads to is not retried by itself. */
  retry: 'Carillon-Retry',
  /** Of a call between services: how many milliseconds are left for it. */
  leftMs: 'Carillon-Left-Ms',
  /** Of an offer or an assignment: the session of the process that it is meant for. Another process that has the same name, or had it, leaves it unanswered. */
  session: 'Carillon-Session',
  /** Of a message that a node of a workflow has published: its run. What the message fires is part of the chain of that run, which has an end. */
  run: 'Carillon-Run',
  /** The broker's own: makes a second publish of the same message a no-op for two minutes. */
  messageId: 'Nats-Msg-Id',
} as const

/** `Carillon-*` headers that a trigger may have. */
export const TRIGGER_HEADERS = [
  HEADERS.key,
  HEADERS.delayMs,
  HEADERS.at,
  HEADERS.attempts,
  HEADERS.timeoutMs,
  HEADERS.runTimeoutMs,
  HEADERS.deadlineMs,
  HEADERS.priority,
  HEADERS.by,
  HEADERS.run,
] as const
/** `Carillon-*` headers that a signal may have. */
export const SIGNAL_HEADERS = [HEADERS.ttlMs, HEADERS.by] as const
/** `Carillon-*` headers that a call may have: what else it says is in its body. */
export const CALL_HEADERS = [HEADERS.by, HEADERS.account] as const

/**
 * The name by which someone makes a call; undefined: there is none.
 * @param field where it was given, for the error
 * @throws CarillonError INVALID_HEADER of the header, else INVALID_REQUEST
 */
export function checkBy(value: string | undefined, field: string = HEADERS.by): string | undefined {
  if (value === undefined || value === '') return undefined
  if (value.length <= LIMITS.byLength && !/\p{Cc}/u.test(value)) return value
  throw new CarillonError(field === HEADERS.by ? 'INVALID_HEADER' : 'INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, {
    field,
    value: printable(value),
    hint: `Give a name of at most ${LIMITS.byLength} characters, without control characters.`,
  })
}

const OURS = /^carillon-/i

/**
 * A mistyped `Carillon-*` header would be ignored silently, and a key or a delay with it. Foreign headers are not checked.
 * @throws CarillonError INVALID_HEADER that names the header and the nearest right one
 */
export function checkHeaders(names: Iterable<string>, allowed: readonly string[]): void {
  for (const name of names) {
    if (!OURS.test(name) || allowed.includes(name)) continue
    const hint =
      allowed === CALL_HEADERS
        ? `Say it in the body: calls have no such header but ${HEADERS.by}.`
        : `Did you mean ${nearest(name, allowed)}? There are ${allowed.join(', ')}.`
    throw new CarillonError('INVALID_HEADER', `header ${printable(name)} means nothing here`, {
      field: 'headers',
      value: printable(name),
      hint,
    })
  }
}
