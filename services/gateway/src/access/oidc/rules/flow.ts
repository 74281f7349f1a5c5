import { createHash } from 'node:crypto'

/** Time for someone to sign in at the provider. */
export const FLOW_MS = 600_000
/** By how much the clocks of two gateways may differ. */
const SKEW_MS = 60_000
const COOKIE = /^[\w-]{43}\.([0-9a-z]{1,10})\.([\w-]*)$/

/** A sign-in through the provider that a browser has begun. */
export interface Flow {
  /** What the browser keeps until it comes back. */
  readonly cookie: string
  readonly state: string
  readonly nonce: string
  /** Of PKCE; the provider is shown its hash. */
  readonly verifier: string
  readonly startedAt: number
  /** Path of the page that the browser shows afterwards. */
  readonly returnTo: string
}

/** @param secret 32 random bytes, as base64url */
export function begunFlow({ secret, startedAt, returnTo }: { secret: string; startedAt: number; returnTo: string }): Flow {
  return flowFrom(`${secret}.${startedAt.toString(36)}.${Buffer.from(returnTo).toString('base64url')}`, { startedAt, returnTo })
}

/** The flow of a cookie; undefined: there is none, or its time is over. */
export function flowOf(cookie: string | undefined, now: number): Flow | undefined {
  const [, startedAt, returnTo] = COOKIE.exec(cookie ?? '') ?? []
  if (cookie === undefined || startedAt === undefined || returnTo === undefined) return undefined
  const flow = flowFrom(cookie, { startedAt: Number.parseInt(startedAt, 36), returnTo: Buffer.from(returnTo, 'base64url').toString() })
  return flow.startedAt <= now + SKEW_MS && now < flow.startedAt + FLOW_MS ? flow : undefined
}

/** State, nonce and verifier follow from the cookie, so any gateway completes what another began, and nothing is stored for who only begins. */
function flowFrom(cookie: string, facts: Pick<Flow, 'startedAt' | 'returnTo'>): Flow {
  const derived = (purpose: string) => createHash('sha256').update(`${purpose} ${cookie}`).digest('base64url')
  return { cookie, state: derived('state'), nonce: derived('nonce'), verifier: derived('verifier'), ...facts }
}
