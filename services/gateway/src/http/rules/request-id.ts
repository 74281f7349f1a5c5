const ACCEPTED = /^[A-Za-z0-9-]{1,64}$/

/** A request id that a client gave, or undefined: it ends up in logs and headers, so nothing but letters, digits and `-` is taken. */
export function acceptedRequestId(given: unknown): string | undefined {
  return typeof given === 'string' && ACCEPTED.test(given) ? given : undefined
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The W3C trace context of a request, or undefined. */
export function acceptedTraceparent(given: unknown): string | undefined {
  return typeof given === 'string' && TRACEPARENT.test(given) ? given : undefined
}
