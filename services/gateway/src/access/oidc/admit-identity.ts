import { isDeepStrictEqual } from 'node:util'
import { CarillonError } from '@carillon/contracts'
import type { Membership, UserRecord } from '@carillon/store'
import type { AccessParts } from '../access-parts.ts'
import { idOfName, idOfSubject } from '../rules/user-id.ts'
import type { Origin } from '../sign-in.ts'
import type { Users } from '../users.ts'
import type { Identity } from './provider.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { accountName, valuesOf } from './rules/claims.ts'
import { grantsOf, withGrants } from './rules/grants.ts'

type Parts = Pick<AccessParts, 'trail' | 'clock'> & { readonly users: Users; readonly settings: ProviderSettings }

/** The account of someone whom the provider vouches for, with the roles that it grants now. */
export class AdmitIdentity {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError SIGN_IN_REFUSED: they have no role; what they had through the provider has ended then */
  async execute(identity: Identity, from: Origin): Promise<UserRecord> {
    const { users, clock, settings } = this.#parts
    const { issuer, subject, claims } = identity
    const id = idOfSubject(issuer, subject)
    const name = await this.#nameOf(identity)
    const granted = grantsOf(valuesOf(claims, settings.claim), settings)
    const update = (before: UserRecord['memberships']) => withGrants(before, granted, clock.now())
    let before: UserRecord['memberships'] = {}
    let user = await users.get(id)
    if (user === undefined && granted.length > 0)
      user = await users.create({ id, name, passwordHash: null, issuer, subject, memberships: update({}) })
    else {
      user = await users.change(id, (stored) => {
        before = stored.memberships
        const memberships = update(stored.memberships)
        return stored.name === name && isDeepStrictEqual(memberships, stored.memberships) ? undefined : { name, memberships }
      })
    }
    // Undefined after a creation: two browsers of the same person came at once.
    user ??= await users.get(id)
    if (user !== undefined) await this.#keepChanges(user, before, from)
    if (user !== undefined && Object.keys(user.memberships).length > 0) return user
    throw new CarillonError('SIGN_IN_REFUSED', `${name} has no role here: the provider grants none`, { field: settings.claim })
  }

  /** Where a password account has the same name already, the name of the provider is appended, so that the two can be distinguished. */
  async #nameOf({ claims, subject }: Identity): Promise<string> {
    const { users, settings } = this.#parts
    const name = accountName(claims, subject)
    return (await users.get(idOfName(name))) === undefined ? name : accountName(claims, subject, settings.name)
  }

  async #keepChanges({ id, name, memberships }: UserRecord, before: UserRecord['memberships'], from: Origin): Promise<void> {
    const who = { actorId: `user/${id}`, actor: name, via: 'provider', resource: id, outcome: 'done', ...from }
    for (const namespace of new Set([...Object.keys(before), ...Object.keys(memberships)])) {
      const [was, is] = [rightsOnly(before[namespace]), rightsOnly(memberships[namespace])]
      if (isDeepStrictEqual(was, is)) continue
      const action = is === undefined ? 'members.remove' : 'members.put'
      await this.#parts.trail.keep({ ...who, action, namespace, details: { before: was ?? null, after: is ?? null } })
    }
  }
}

const rightsOnly = (membership: Membership | undefined) => membership && { role: membership.role, payloads: membership.payloads }
