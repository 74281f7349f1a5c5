import { CarillonError, isName } from '@carillon/contracts'
import type { Clock, Logger } from '@carillon/runtime'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { GatewayTrail } from '../audit/gateway-trail.ts'
import type { Principal } from '../http/http-controller.ts'
import { EVERYWHERE } from './rules/roles.ts'
import { originOf } from './sign-in.ts'

/** Of one account or token in a minute. A program that repeats what it may not do would write a record for each request. */
const KEPT = { count: 20, perMs: 60_000 } as const
/** Accounts and tokens that are counted at a time. */
const COUNTED = 10_000
const READS = new Set(['GET', 'HEAD'])
/** What says that somebody tried what they may not; other refusals are mistakes. */
const CODES: ReadonlySet<string> = new Set(['FORBIDDEN', 'LAST_ADMIN'])

interface Parts {
  readonly trail: GatewayTrail
  readonly clock: Clock
  readonly log: Logger
}

/** Keeps in the audit log which changes were refused to someone who is signed in. */
export class RefusalTrail {
  readonly #parts: Parts
  readonly #counts = new LRUCache<string, { readonly since: number; count: number }>({ max: COUNTED })

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Not waited for: a refusal is one whether it is recorded or not. */
  keep(request: FastifyRequest, principal: Pick<Principal, 'kind' | 'id' | 'name'>, error: unknown): void {
    const { code } = CarillonError.from(error)
    const account = `${principal.kind}/${principal.id}`
    if (READS.has(request.method) || !CODES.has(code) || !this.#isCounted(account)) return
    const { trail, log } = this.#parts
    const { namespace = '' } = request.params as { namespace?: string }
    const where = isName(namespace) ? namespace : EVERYWHERE
    const resource = `${request.method} ${request.routeOptions.url ?? ''}`
    const who = { actorId: account, actor: principal.name, via: 'http', ...originOf(request) }
    trail
      .keep({ action: 'access.refuse', namespace: where, resource, outcome: code, ...who })
      .catch((error: unknown) => log.warn({ evt: 'audit.refusal-unkept', err: error }, 'a refusal could not be kept in the audit log'))
  }

  #isCounted(account: string): boolean {
    const now = this.#parts.clock.monotonic()
    const before = this.#counts.get(account)
    const counted = before !== undefined && now - before.since < KEPT.perMs ? before : { since: now, count: 0 }
    this.#counts.set(account, counted)
    return ++counted.count <= KEPT.count
  }
}
