import { freshSecret } from '@carillon/runtime'
import type { UserRecord } from '@carillon/store'
import type { FastifyRequest } from 'fastify'
import type { Reply } from '../http/http-controller.ts'
import type { AccessParts } from './access-parts.ts'
import { cookieName, cookieOf, setCookie } from './rules/cookies.ts'
import { hashOf } from './secrets.ts'

/** Without a request: longer than a night, shorter than a weekend. */
export const IDLE_MS = 24 * 3_600_000
/** Absolute expiry, also of a session in use: a cookie that was copied from a browser must not stay valid for ever. */
const LONGEST_MS = 14 * 86_400_000
const SECRET_BYTES = 32

type Parts = Pick<AccessParts, 'accounts' | 'clock' | 'announce'> & {
  readonly origin: string | undefined
  /** Absolute expiry of sessions that began through a provider, which does not say when it disables someone. */
  readonly providerSessionMs: number
}

/** Browsers that are signed in. */
export class Sessions {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Always a new one: a cookie that someone else has set is worth nothing after the sign-in. Answers the header that sets its cookie. */
  async begin(user: Pick<UserRecord, 'id' | 'epoch' | 'issuer'>, request: FastifyRequest): Promise<{ readonly 'set-cookie': string }> {
    const { accounts, clock, providerSessionMs } = this.#parts
    const lastsMs = user.issuer === null ? LONGEST_MS : providerSessionMs
    const secret = freshSecret(SECRET_BYTES).toString('base64url')
    const now = clock.now()
    await accounts.insertSession({
      ...{ id: hashOf(secret), userId: user.id, epoch: user.epoch },
      ...{ createdAt: now, seenAt: now, expiresAt: now + lastsMs },
    })
    await this.#remove(request)
    return this.#cookie(request, secret, Math.floor(lastsMs / 1_000))
  }

  async end(request: FastifyRequest): Promise<NonNullable<Reply['headers']>> {
    await this.#remove(request)
    return this.#cookie(request, '', 0)
  }

  #cookie({ headers: { host } }: FastifyRequest, value: string, maxAgeS: number): { readonly 'set-cookie': string } {
    const at = { origin: this.#parts.origin, host }
    return { 'set-cookie': setCookie(at, { name: cookieName(at, 'session'), value, maxAgeS }) }
  }

  async #remove({ headers }: FastifyRequest): Promise<void> {
    const secret = cookieOf(headers.cookie, cookieName({ origin: this.#parts.origin, host: headers.host }, 'session'))
    if (secret === undefined) return
    // Gateways have it in memory, and its streams are open.
    if ((await this.#parts.accounts.removeSession(hashOf(secret))) === 'applied') this.#parts.announce()
  }
}
