import { CarillonError } from '@carillon/contracts'
import { freshSecret } from '@carillon/runtime'
import type { UserRecord } from '@carillon/store'
import type { AccessParts } from '../access-parts.ts'
import { hashOf, isSameHash } from '../secrets.ts'
import type { Origin } from '../sign-in.ts'
import type { AdmitIdentity } from './admit-identity.ts'
import type { Identity, Provider } from './provider.ts'
import { accountName } from './rules/claims.ts'
import { begunFlow, FLOW_MS, type Flow, flowOf } from './rules/flow.ts'
import { returnPath } from './rules/return-path.ts'

const SECRET_BYTES = 32

type Parts = Pick<AccessParts, 'accounts' | 'throttle' | 'trail' | 'clock'> & {
  readonly provider: Provider
  readonly admitIdentity: AdmitIdentity
}

interface Returned {
  /** Under which the browser came back. */
  readonly url: URL
  /** Value of its cookie. */
  readonly cookie: string | undefined
}

/** By the authorization code flow, with PKCE. */
export class SignInThroughProvider {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Stores nothing: anyone may begin. @throws CarillonError INVALID_REQUEST, PROVIDER_UNAVAILABLE, PROVIDER_ANSWER_INVALID */
  async begin(page: string | undefined, redirectUri: string): Promise<{ readonly location: string; readonly cookie: string }> {
    const { provider, clock } = this.#parts
    const secret = freshSecret(SECRET_BYTES).toString('base64url')
    const flow = begunFlow({ secret, startedAt: clock.now(), returnTo: returnPath(page) })
    return { location: await provider.authorizationUrl(flow, redirectUri), cookie: flow.cookie }
  }

  /**
   * Only for the browser that has begun: else a page could sign its visitors in under a name of its own.
   * @throws CarillonError SIGN_IN_EXPIRED, SIGN_IN_REFUSED, PROVIDER_UNAVAILABLE, PROVIDER_ANSWER_INVALID, RATE_LIMITED
   */
  async complete({ url, cookie }: Returned, from: Origin): Promise<{ readonly user: UserRecord; readonly returnTo: string }> {
    const { clock, throttle, provider, admitIdentity, trail } = this.#parts
    const flow = flowOf(cookie, clock.now())
    const states = url.searchParams.getAll('state')
    // Costs nothing and is kept nowhere: pages of other sites can send such requests from the address of their visitors.
    if (flow === undefined || states.length !== 1 || !isSameHash(states[0] ?? '', flow.state))
      throw expired('was not begun in this browser')
    throttle.admitFrom(from.address)
    let identity: Identity | undefined
    try {
      identity = await provider.redeem(flow, url)
      await this.#claim(flow)
      const user = await admitIdentity.execute(identity, from)
      await trail.keep({ ...entryOf(identity), actorId: `user/${user.id}`, actor: user.name, outcome: 'done', ...from })
      return { user, returnTo: returnPath(flow.returnTo) }
    } catch (error) {
      const { code } = CarillonError.from(error)
      if (!REFUSALS.has(code)) throw error
      throttle.failedFrom(from.address)
      await trail.keep({ ...entryOf(identity), outcome: code, ...from })
      throw error
    }
  }

  /** Once: by whichever gateway completes it. */
  async #claim({ state }: Flow): Promise<void> {
    const { accounts, clock } = this.#parts
    const now = clock.now()
    const outcome = await accounts.insertLink({
      ...{ id: `sign-in-${hashOf(state)}`, purpose: 'sign-in', userId: null, userEpoch: null, namespace: null, role: null, payloads: 0 },
      ...{ createdBy: 'gateway', createdAt: now, expiresAt: now + 2 * FLOW_MS, usedAt: now },
    })
    if (outcome === 'duplicate') throw expired('is completed already')
  }
}

/** Of a sign-in, and not of the provider's availability: each is counted against its address. */
const REFUSALS: ReadonlySet<string> = new Set(['SIGN_IN_REFUSED', 'SIGN_IN_EXPIRED', 'PROVIDER_ANSWER_INVALID'])

const entryOf = (identity: Identity | undefined) => ({
  ...{ action: 'session.begin', via: 'provider', resource: null, actorId: null },
  actor: identity === undefined ? 'unnamed' : accountName(identity.claims, identity.subject),
  details: identity === undefined ? null : { issuer: identity.issuer, subject: identity.subject },
})

const expired = (why: string) => new CarillonError('SIGN_IN_EXPIRED', `The sign-in ${why}`, { field: 'state' })
