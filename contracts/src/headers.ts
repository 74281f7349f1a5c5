/** Headers that we read and write. Options of a trigger travel here, so that its body is the payload and nothing else. */
export const HEADERS = {
  /** W3C trace context, in every message. */
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
  /** Of an offer: the session of the process that it is meant for. Another process that has the same name, or had it, leaves the offer unanswered. */
  session: 'Carillon-Session',
  /** The broker's own: makes a second publish of the same message a no-op for two minutes. */
  messageId: 'Nats-Msg-Id',
} as const
