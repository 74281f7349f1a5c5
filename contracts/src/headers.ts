import { CarillonError, printable } from './errors.ts'

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
  /** Of an offer: the session of the process that it is meant for. Another process that has the same name, or had it, leaves the offer unanswered. */
  session: 'Carillon-Session',
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
] as const

const OURS = /^carillon-/i

/**
 * A mistyped `Carillon-*` header would be ignored silently, and a key or a delay with it. Foreign headers are not checked.
 * @throws CarillonError INVALID_HEADER that names the header and the nearest right one
 */
export function checkHeaders(names: Iterable<string>, allowed: readonly string[]): void {
  for (const name of names) {
    if (!OURS.test(name) || allowed.includes(name)) continue
    const hint =
      allowed.length === 0
        ? 'Say it in the body: calls have no such headers.'
        : `Did you mean ${nearest(name, allowed)}? There are ${allowed.join(', ')}.`
    throw new CarillonError('INVALID_HEADER', `header ${printable(name)} means nothing here`, {
      field: 'headers',
      value: printable(name),
      hint,
    })
  }
}

/** The name with the longest common prefix; of several the one whose length is nearest. */
function nearest(name: string, allowed: readonly string[]): string {
  const unlike = (other: string) => Math.abs(other.length - name.length) - 100 * commonLetters(name.toLowerCase(), other.toLowerCase())
  return [...allowed].sort((a, b) => unlike(a) - unlike(b))[0] as string
}

function commonLetters(a: string, b: string): number {
  let count = 0
  while (count < a.length && a[count] === b[count]) count++
  return count
}
