import { CarillonError, printable } from '@carillon/contracts'
import type { FastifyRequest } from 'fastify'
import type { Access, Principal, Route } from '../http/http-controller.ts'
import { type Identify, type KnownPrincipal, notSignedIn } from './identify.ts'
import type { RefusalTrail } from './refusal-trail.ts'
import { EVERYWHERE, hasRole } from './rules/roles.ts'

/** Who may use a route: decided here alone, from the table of the routes. */
export class CheckAccess implements Access {
  readonly #identify: Identify
  readonly #refusals: RefusalTrail

  constructor({ identify, refusals }: { readonly identify: Identify; readonly refusals: RefusalTrail }) {
    this.#identify = identify
    this.#refusals = refusals
  }

  async check(request: FastifyRequest, { allowed, everywhere }: Route): Promise<Principal | undefined> {
    if (allowed === 'anyone') return undefined
    const principal = await this.readerOf(request)
    if (allowed === 'account') return principal
    const { namespace = '' } = request.params as { namespace?: string }
    const where = everywhere ? EVERYWHERE : namespace
    const role = principal.roleIn(where)
    if (hasRole(role, allowed)) return principal
    // The same whether the namespace has anything or not.
    const place = everywhere ? 'every namespace' : `namespace ${printable(namespace)}`
    const has = role === undefined ? 'has none there' : `is ${role} there`
    const refusal = new CarillonError('FORBIDDEN', `This needs the role ${allowed} in ${place}; ${principal.name} ${has}`, {
      field: 'namespace',
      value: printable(namespace),
    })
    this.#refusals.keep(request, principal, refusal)
    throw refusal
  }

  /** Who sends a request, as it is now. @throws CarillonError NOT_SIGNED_IN, FOREIGN_REQUEST */
  async readerOf(request: FastifyRequest): Promise<KnownPrincipal> {
    const principal = await this.#identify.execute(request)
    if (principal === undefined) throw notSignedIn('Nobody is signed in')
    return principal
  }
}
