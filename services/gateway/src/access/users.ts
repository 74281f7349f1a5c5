import { CarillonError } from '@carillon/contracts'
import { freshSecret } from '@carillon/runtime'
import type { UserRecord } from '@carillon/store'
import type { AccessParts } from './access-parts.ts'
import { EVERYWHERE, hasRole, membershipOf } from './rules/roles.ts'

/** Tries to change a record that others change at the same time. */
const TRIES = 5
const PAGE = 500

type Parts = Pick<AccessParts, 'accounts' | 'clock' | 'announce'>
type NewUser = Pick<UserRecord, 'id' | 'name' | 'passwordHash' | 'issuer' | 'subject' | 'memberships'>

const isAdmin = ({ memberships }: UserRecord): boolean => hasRole(membershipOf(memberships, EVERYWHERE)?.role, 'admin')
const freshEpoch = (): string => freshSecret(9).toString('base64url')

/** Reads and changes users. */
export class Users {
  readonly #parts: Parts
  /** Who was found to be an admin of every namespace. */
  #admin: string | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Whether somebody is an admin of every namespace, now: without one, nobody can let others in. */
  async haveAdmin(): Promise<boolean> {
    const known = this.#admin === undefined ? undefined : await this.get(this.#admin)
    if (known !== undefined && isAdmin(known)) return true
    this.#admin = undefined
    for await (const user of this.all()) {
      if (!isAdmin(user)) continue
      this.#admin = user.id
      return true
    }
    return false
  }

  async get(id: string): Promise<UserRecord | undefined> {
    return (await this.#parts.accounts.users([id]))[0]
  }

  /** Undefined: the name is taken. */
  async create(user: NewUser): Promise<UserRecord | undefined> {
    const now = this.#parts.clock.now()
    const created: UserRecord = { ...user, epoch: freshEpoch(), revision: 1, createdAt: now, updatedAt: now }
    if ((await this.#parts.accounts.insertUser(created)) === 'duplicate') return undefined
    this.#parts.announce()
    return created
  }

  /**
   * Changes a user as it is stored now, and ends all of its sessions.
   * @param change answers undefined to leave it as it is, or throws
   * @returns undefined: there is no such user
   */
  async change(id: string, change: (user: UserRecord) => Partial<NewUser> | undefined): Promise<UserRecord | undefined> {
    const { accounts, clock, announce } = this.#parts
    for (let tries = 0; tries < TRIES; tries++) {
      const user = await this.get(id)
      const fields = user && change(user)
      if (user === undefined || fields === undefined) return user
      const next = { ...user, ...fields, epoch: freshEpoch(), revision: user.revision + 1, updatedAt: clock.now() }
      const outcome = await accounts.replaceUser(next, { revision: user.revision })
      announce()
      if (outcome === 'applied') return next
    }
    throw new CarillonError('CONCURRENT_CHANGE', 'The account was changed by others at the same time', { field: 'id', value: id })
  }

  /** All of them: accounts are those of people, and few. */
  async *all(): AsyncGenerator<UserRecord> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.#parts.accounts.listUsers({ cursor, limit: PAGE })
      yield* page.items
      if (page.cursor === undefined) return
      cursor = page.cursor
    }
  }
}
