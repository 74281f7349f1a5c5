import { CarillonError } from '@carillon/contracts'
import type { FastifyRequest } from 'fastify'
import type { Principal } from '../http/http-controller.ts'
import type { AccessParts } from './access-parts.ts'
import { cookieName, cookieOf } from './rules/cookies.ts'
import { EVERYWHERE, rightsOf, rightsOfToken } from './rules/roles.ts'
import { refuseForeign } from './rules/same-origin.ts'
import { hashOf, isSameHash, parseToken } from './secrets.ts'
import { IDLE_MS } from './sessions.ts'

/** How often it is written that a session or a token was used. */
const TOUCH_EVERY_MS = { session: 300_000, token: 60_000 }
const BEARER = /^Bearer +(\S+)$/i

/** A principal, and where it may do something of its own right: names of namespaces, or `*`. */
export interface KnownPrincipal extends Principal {
  readonly namespaces: readonly string[]
}

type Parts = Pick<AccessParts, 'accounts' | 'cache' | 'clock' | 'log'> & { readonly origin: string | undefined }

/** Who sends a request: by an API token, or by the cookie of a session. */
export class Identify {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Undefined: nobody who is known. @throws CarillonError NOT_SIGNED_IN for a token that does not count; FOREIGN_REQUEST */
  async execute(request: FastifyRequest): Promise<KnownPrincipal | undefined> {
    const { authorization } = request.headers
    if (authorization !== undefined) return this.#byToken(authorization)
    const at = { origin: this.#parts.origin, host: request.headers.host }
    const secret = cookieOf(request.headers.cookie, cookieName(at, 'session'))
    if (secret === undefined) return undefined
    const principal = await this.#bySession(hashOf(secret))
    if (principal === undefined) return undefined
    const { 'sec-fetch-site': site, origin: from } = request.headers
    refuseForeign({ ...at, method: request.method, site: textOf(site), from }, false)
    return principal
  }

  async #bySession(id: string): Promise<KnownPrincipal | undefined> {
    const { cache, clock } = this.#parts
    const session = await cache.session(id)
    const now = clock.now()
    if (session === undefined || session.expiresAt <= now || session.seenAt + IDLE_MS <= now) return undefined
    const user = await cache.user(session.userId)
    if (user === undefined || user.epoch !== session.epoch) return undefined
    if (now - session.seenAt > TOUCH_EVERY_MS.session) this.#touch((accounts) => accounts.touchSession(id, now))
    return {
      kind: 'user',
      id: user.id,
      name: user.name,
      namespaces: Object.keys(user.memberships),
      roleIn: (namespace) => rightsOf(user.memberships, namespace)?.role,
      approvesIn: (namespace) => rightsOf(user.memberships, namespace)?.approves ?? [],
      seesPayloads: (namespace) => rightsOf(user.memberships, namespace)?.payloads ?? false,
    }
  }

  async #byToken(authorization: string): Promise<KnownPrincipal> {
    const { cache, clock } = this.#parts
    const given = parseToken(BEARER.exec(authorization)?.[1] ?? '')
    if (given === undefined) throw notSignedIn('The header Authorization holds no token of Carillon')
    const token = await cache.token(given.id)
    const now = clock.now()
    if (token === undefined || !isSameHash(token.hash, hashOf(given.secret))) throw notSignedIn('The token is not known')
    if (token.expiresAt !== null && token.expiresAt <= now) throw notSignedIn('The token has expired')
    const rights = rightsOfToken(token, await cache.user(token.createdBy))
    if (rights === undefined) throw notSignedIn('Who made the token is no member of its namespace any more')
    if (now - (token.usedAt ?? 0) > TOUCH_EVERY_MS.token) this.#touch((accounts) => accounts.touchToken(token.id, now))
    const isHere = (namespace: string) => namespace === token.namespace && namespace !== EVERYWHERE
    return {
      kind: 'token',
      id: token.id,
      name: token.name,
      namespaces: [token.namespace],
      roleIn: (namespace) => (isHere(namespace) ? rights.role : undefined),
      // Those are of people.
      approvesIn: () => [],
      seesPayloads: (namespace) => isHere(namespace) && rights.payloads,
    }
  }

  /** Not waited for: when something was last used is shown to people, and decides nothing sooner than in hours. */
  #touch(write: (accounts: AccessParts['accounts']) => Promise<unknown>): void {
    const { accounts, log } = this.#parts
    write(accounts).catch((error: unknown) =>
      log.warn({ evt: 'account.touch-failed', err: error }, 'it could not be written that a session or token was used'),
    )
  }
}

export const textOf = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header.join() : header)

export const notSignedIn = (message: string): CarillonError => new CarillonError('NOT_SIGNED_IN', message)
