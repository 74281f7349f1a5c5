import { CarillonError } from '@carillon/contracts'
import type { LinkRecord, UserRecord } from '@carillon/store'
import type { AccessParts } from './access-parts.ts'
import { joined } from './rules/memberships.ts'
import { EVERYWHERE, hasRole, rightsOf } from './rules/roles.ts'
import { idOfName } from './rules/user-id.ts'
import { hashOf } from './secrets.ts'
import type { Origin } from './sign-in.ts'
import type { Users } from './users.ts'

/** Of the record by which one of several gateways makes the first admin. */
const FIRST_ADMIN = 'first-admin'
/** A gateway that has died while it did is waited for no longer. */
const CLAIMED_MS = 30_000

type Parts = Pick<AccessParts, 'accounts' | 'passwords' | 'throttle' | 'trail' | 'clock'> & { readonly users: Users }
interface Given {
  readonly name: string
  readonly password: string
}

/** Someone comes in by a one-time link. */
export class UseLink {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError LINK_INVALID, NAME_TAKEN, INVALID_REQUEST, RATE_LIMITED */
  async execute(given: { secret: string; name?: string | undefined; password: string }, from: Origin): Promise<UserRecord> {
    const { accounts, trail, clock } = this.#parts
    const link = await accounts.link(hashOf(given.secret))
    if (link === undefined || link.usedAt !== null || link.expiresAt <= clock.now() || !(await this.#isOpen(link))) throw linkInvalid()
    const user =
      link.userId === null ? await this.#join(link, { ...given, name: nameOf(given.name) }, from) : await this.#reset(link, given)
    const { namespace, role } = link
    await trail.keep({
      ...{ action: `link.${link.purpose}`, actorId: `user/${user.id}`, actor: user.name, via: 'link', resource: user.id, outcome: 'done' },
      ...from,
      ...(namespace === null ? {} : { namespace, details: { role } }),
    })
    return user
  }

  /**
   * Whether it is still valid: for the first admin while there is none, of an admin while they are one, for another password while the account is
   * as it was: it may have become a member where the link's maker has no rights.
   */
  async #isOpen({ purpose, createdBy, namespace, payloads, userId, userEpoch }: LinkRecord): Promise<boolean> {
    const { users } = this.#parts
    if (purpose === 'first-admin') return !(await users.haveAdmin())
    if (purpose === 'admin') return true
    const maker = await users.get(createdBy)
    const mayGrant = (name: string, withPayloads: boolean) => {
      const rights = maker && rightsOf(maker.memberships, name)
      return hasRole(rights?.role, 'admin') && (!withPayloads || rights?.payloads === true)
    }
    if (purpose === 'invite') return mayGrant(namespace ?? EVERYWHERE, payloads === 1)
    const user = await users.get(userId ?? '')
    if (user === undefined || user.epoch !== userEpoch) return false
    return Object.entries(user.memberships).every(([name, membership]) => mayGrant(name, membership.payloads))
  }

  async #reset(link: LinkRecord, { password }: { password: string }): Promise<UserRecord> {
    const passwordHash = await this.#parts.passwords.hash(password)
    await this.#take(link)
    const user = await this.#parts.users.change(link.userId ?? '', ({ epoch }) => {
      if (epoch !== link.userEpoch) throw linkInvalid()
      return { passwordHash }
    })
    if (user === undefined) throw linkInvalid()
    return user
  }

  async #join(link: LinkRecord, { name, password }: Given, from: Origin): Promise<UserRecord> {
    const { users, passwords, clock } = this.#parts
    const id = idOfName(name)
    const rights = { role: link.role ?? 'viewer', payloads: link.payloads === 1 }
    const join = (before: UserRecord['memberships']) => joined(before, link.namespace ?? EVERYWHERE, { ...rights, at: clock.now() })
    const existing = await users.get(id)
    if (existing === undefined) {
      const passwordHash = await passwords.hash(password)
      await this.#take(link)
      const created = await users.create({ id, name, passwordHash, issuer: null, subject: null, memberships: join({}) })
      if (created === undefined) throw nameTaken(name)
      return created
    }
    // Who administers the mesh may have forgotten the password.
    const passwordHash = link.purpose === 'admin' ? await passwords.hash(password) : undefined
    if (passwordHash === undefined) await this.#prove(existing, { name, password }, from)
    await this.#take(link)
    const changed = await users.change(id, ({ memberships }) => ({
      memberships: join(memberships),
      ...(passwordHash === undefined ? {} : { passwordHash }),
    }))
    return changed ?? existing
  }

  /** Someone who has an account already becomes a member of one more namespace. */
  async #prove({ id, passwordHash }: UserRecord, { name, password }: Given, from: Origin): Promise<void> {
    const { passwords, throttle, trail } = this.#parts
    if (await throttle.attempt(id, from.address, () => passwords.matches(passwordHash, password))) return
    await trail.keep({ action: 'link.invite', actorId: null, actor: name, via: 'link', resource: null, outcome: 'NAME_TAKEN', ...from })
    throw nameTaken(name)
  }

  async #take({ id, purpose }: LinkRecord): Promise<void> {
    const { accounts, clock } = this.#parts
    if (purpose === 'first-admin') await this.#claimFirstAdmin()
    if ((await accounts.takeLink(id, clock.now())) === 'refused') throw linkInvalid()
  }

  /** Of two that use two such links at the same moment one becomes the admin. */
  async #claimFirstAdmin(): Promise<void> {
    const { accounts, users, clock } = this.#parts
    const now = clock.now()
    await accounts.removeExpired({ before: now, limit: 1_000 })
    const outcome = await accounts.insertLink({
      ...{
        id: FIRST_ADMIN,
        purpose: 'first-admin',
        userId: null,
        userEpoch: null,
        namespace: null,
        role: null,
        payloads: 0,
        createdBy: 'gateway',
      },
      ...{ createdAt: now, expiresAt: now + CLAIMED_MS, usedAt: now },
    })
    if (outcome === 'duplicate' || (await users.haveAdmin())) throw linkInvalid()
  }
}

function nameOf(name: string | undefined): string {
  if (name !== undefined) return name
  throw new CarillonError('INVALID_REQUEST', 'name is missing', { field: 'name', hint: 'Give the name to sign in with.' })
}

const linkInvalid = () => new CarillonError('LINK_INVALID', 'The link was used, has expired, or is none of this mesh')

const nameTaken = (name: string) =>
  new CarillonError('NAME_TAKEN', `There is an account ${JSON.stringify(name)}, and its password is another one`, {
    field: 'name',
    value: name,
  })
