import { CarillonError, printable } from '@carillon/contracts'
import type { AuditRecord, Membership, UserRecord } from '@carillon/store'
import type { Principal } from '../http/http-controller.ts'
import type { AccessParts } from './access-parts.ts'
import type { MadeLink, MakeLink } from './make-link.ts'
import { changed, left } from './rules/memberships.ts'
import { hasRole, membershipOf, type Rights, rightsOf } from './rules/roles.ts'
import type { Origin } from './sign-in.ts'
import type { Users } from './users.ts'

/** A member as an admin sees it. */
export interface MemberView extends Rights {
  readonly id: string
  readonly name: string
  /** Of every namespace: the membership can be changed where the namespace is `*`. */
  readonly everywhere?: true
  readonly signsInBy: 'password' | 'provider'
  /** The provider grants the role, until an admin changes it here. */
  readonly byProvider?: true
}

type Parts = Pick<AccessParts, 'trail'> & { readonly users: Users; readonly makeLink: MakeLink }

/** An admin of a namespace, who makes a change there. */
export interface Acting {
  readonly principal: Principal
  readonly namespace: string
  readonly from: Origin
}

/** Who may do what in a namespace. Tokens cannot change it: who finds one does not stay. */
export class Members {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async list(namespace: string): Promise<MemberView[]> {
    const views: MemberView[] = []
    for await (const user of this.#parts.users.all()) {
      const rights = rightsOf(user.memberships, namespace)
      if (rights) views.push(viewOf(user, namespace, rights))
    }
    return views.sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
  }

  async get(namespace: string, id: string): Promise<MemberView> {
    const user = await this.#parts.users.get(id)
    const rights = user && rightsOf(user.memberships, namespace)
    if (user === undefined || rights === undefined) throw memberNotFound(id)
    return viewOf(user, namespace, rights)
  }

  async invite(rights: Rights, acting: Acting): Promise<MadeLink> {
    const { namespace, principal } = acting
    refuseTokens(principal)
    if (rights.payloads) refusePayloads(acting)
    const link = await this.#parts.makeLink.execute({
      ...{ purpose: 'invite', userId: null, userEpoch: null, namespace, createdBy: principal.id },
      ...rights,
    })
    await this.#keep({ action: 'members.invite', resource: null, details: { ...rights } }, acting)
    return link
  }

  /** @throws CarillonError MEMBER_NOT_FOUND, LAST_ADMIN, FORBIDDEN */
  async put(id: string, rights: Rights, acting: Acting): Promise<MemberView> {
    const { namespace } = acting
    const { before } = await this.#change(id, acting, (user) => {
      if (rights.payloads && !membershipOf(user.memberships, namespace)?.payloads) refusePayloads(acting)
      return changed(user.memberships, namespace, rights)
    })
    await this.#keep({ action: 'members.put', resource: id, details: { before: rightsOnly(before), after: { ...rights } } }, acting)
    return this.get(namespace, id)
  }

  /** @throws CarillonError MEMBER_NOT_FOUND, LAST_ADMIN, FORBIDDEN */
  async remove(id: string, acting: Acting): Promise<void> {
    const { before } = await this.#change(id, acting, (user) => left(user.memberships, acting.namespace))
    await this.#keep({ action: 'members.remove', resource: id, details: { before: rightsOnly(before) } }, acting)
  }

  /** A link by which a member sets another password. Only by who is an admin wherever the member may do something: else it would lead there. */
  async reset(id: string, acting: Acting): Promise<MadeLink> {
    const { principal, namespace } = acting
    refuseTokens(principal)
    const user = await this.#parts.users.get(id)
    if (user === undefined || membershipOf(user.memberships, namespace) === undefined) throw memberNotFound(id)
    const elsewhere = Object.keys(user.memberships).find((name) => !hasRole(principal.roleIn(name), 'admin'))
    for (const [name, { payloads }] of Object.entries(user.memberships)) if (payloads) refusePayloads({ principal, namespace: name })
    if (elsewhere !== undefined || user.passwordHash === null) {
      const why = user.passwordHash === null ? 'signs in through a provider' : 'is a member of other namespaces, too'
      throw new CarillonError('FORBIDDEN', `${user.name} ${why}`, { field: 'id', value: id })
    }
    const rights = { namespace: null, role: null, payloads: false }
    const link = await this.#parts.makeLink.execute({
      ...{ purpose: 'reset', userId: id, userEpoch: user.epoch, createdBy: principal.id },
      ...rights,
    })
    await this.#keep({ action: 'members.reset', resource: id, details: null }, acting)
    return link
  }

  async #change(id: string, { principal, namespace }: Acting, change: (user: UserRecord) => UserRecord['memberships']) {
    refuseTokens(principal)
    const { users } = this.#parts
    let before: UserRecord['memberships'] = {}
    await this.#refuseLastAdmin(id, namespace, change)
    const user = await users.change(id, (stored) => {
      before = stored.memberships
      if (membershipOf(before, namespace) === undefined) throw memberNotFound(id)
      return { memberships: change(stored) }
    })
    if (user === undefined) throw memberNotFound(id)
    // Two admins who remove each other at the same moment both stay.
    if (!(await this.#hasAdmin(namespace))) {
      const here = membershipOf(before, namespace) as Membership
      await users.change(id, ({ memberships }) => ({ memberships: { ...memberships, [namespace]: here } }))
      throw lastAdmin(namespace)
    }
    return { before: membershipOf(before, namespace) }
  }

  async #refuseLastAdmin(id: string, namespace: string, change: (user: UserRecord) => UserRecord['memberships']): Promise<void> {
    const user = await this.#parts.users.get(id)
    if (user === undefined || hasRole(rightsOf(change(user), namespace)?.role, 'admin')) return
    if (!(await this.#hasAdmin(namespace, id))) throw lastAdmin(namespace)
  }

  async #hasAdmin(namespace: string, except?: string): Promise<boolean> {
    for await (const { id, memberships } of this.#parts.users.all())
      if (id !== except && hasRole(rightsOf(memberships, namespace)?.role, 'admin')) return true
    return false
  }

  #keep(entry: Pick<AuditRecord, 'action' | 'resource' | 'details'>, { principal, namespace, from }: Acting): Promise<void> {
    const who = { actorId: `user/${principal.id}`, actor: principal.name, via: 'http' }
    return this.#parts.trail.keep({ ...entry, namespace, outcome: 'done', ...who, ...from })
  }
}

/** Nobody gives a right to others, or to themselves, that they do not have. @throws CarillonError FORBIDDEN */
function refusePayloads({ principal, namespace }: Pick<Acting, 'principal' | 'namespace'>): void {
  if (principal.seesPayloads(namespace)) return
  throw new CarillonError('FORBIDDEN', `${principal.name} may not see payloads of ${namespace}, nor let others see them`, {
    field: 'payloads',
    value: 'true',
    hint: 'Send "payloads": false, or ask an admin who may see them.',
  })
}

export function refuseTokens({ kind, name }: Principal): void {
  if (kind === 'user') return
  throw new CarillonError('FORBIDDEN', `${name} is a token: members and tokens are changed by people who are signed in`)
}

function viewOf(
  { id, name, memberships, passwordHash }: UserRecord,
  namespace: string,
  { role, payloads, approves = [] }: Rights,
): MemberView {
  const own = membershipOf(memberships, namespace)
  return {
    ...{ id, name, role, payloads, approves, signsInBy: passwordHash === null ? 'provider' : 'password' },
    ...(own === undefined ? { everywhere: true } : {}),
    ...(own?.byProvider === true ? { byProvider: true } : {}),
  }
}

const rightsOnly = (membership: Rights | undefined) =>
  membership && { role: membership.role, payloads: membership.payloads, approves: membership.approves ?? [] }

const memberNotFound = (id: string) =>
  new CarillonError('MEMBER_NOT_FOUND', `${printable(id)} is no member of its own right here`, { field: 'id', value: printable(id) })

const lastAdmin = (namespace: string) =>
  new CarillonError('LAST_ADMIN', `Nobody else is an admin of ${printable(namespace)}`, { field: 'id' })
