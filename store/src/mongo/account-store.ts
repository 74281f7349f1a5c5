import type { Document } from 'mongodb'
import { LINK_COLUMNS, SESSION_COLUMNS, TOKEN_COLUMNS, USER_COLUMNS } from '../account-columns.ts'
import type { AccountStore } from '../account-port.ts'
import type { LinkRecord, SessionRecord, TokenRecord, UserRecord } from '../account-records.ts'
import type { InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { PageQuery, Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import { ANY_TIME, RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

const ID = new Selection<{ id: string }>({ id: 'text' })

export class MongoAccountStore implements AccountStore {
  readonly #users: RecordCollection<UserRecord>
  readonly #sessions: RecordCollection<SessionRecord>
  readonly #tokens: RecordCollection<TokenRecord>
  readonly #links: RecordCollection<LinkRecord>

  constructor(database: MongoDatabase) {
    this.#users = new RecordCollection<UserRecord>(database, { name: 'users', columns: USER_COLUMNS })
    this.#sessions = new RecordCollection<SessionRecord>(database, { name: 'sessions', columns: SESSION_COLUMNS })
    this.#tokens = new RecordCollection<TokenRecord>(database, { name: 'tokens', columns: TOKEN_COLUMNS })
    this.#links = new RecordCollection<LinkRecord>(database, { name: 'links', columns: LINK_COLUMNS })
  }

  async insertUser(user: UserRecord): Promise<InsertOutcome> {
    return (await this.#users.insert([user]))[0]!
  }

  users(ids: readonly string[]): Promise<(UserRecord | undefined)[]> {
    return this.#users.get(this.#users.whole, ids)
  }

  async replaceUser(user: UserRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return (await this.#users.update([{ id: user.id, filter: expect, set: user }]))[0]!
  }

  async listUsers(query: PageQuery): Promise<Slice<UserRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const page = await this.#users.page(this.#users.whole, { filter: { _id: { $gt: after } }, sort: { _id: 1 } }, query)
    return sliceOf(page, (last) => [last.id])
  }

  async insertSession(session: SessionRecord): Promise<InsertOutcome> {
    return (await this.#sessions.insert([session]))[0]!
  }

  async session(id: string): Promise<SessionRecord | undefined> {
    return (await this.#sessions.get(this.#sessions.whole, [id]))[0]
  }

  async touchSession(id: string, seenAt: number): Promise<UpdateOutcome> {
    return (await this.#sessions.update([{ id, filter: { seenAt: { $lt: seenAt } }, set: { seenAt } }]))[0]!
  }

  async removeSession(id: string): Promise<UpdateOutcome> {
    return removed(await this.#sessions.remove({ _id: id }))
  }

  async insertToken(token: TokenRecord): Promise<InsertOutcome> {
    return (await this.#tokens.insert([token]))[0]!
  }

  async token(id: string): Promise<TokenRecord | undefined> {
    return (await this.#tokens.get(this.#tokens.whole, [id]))[0]
  }

  async touchToken(id: string, usedAt: number): Promise<UpdateOutcome> {
    const filter: Document = { $or: [{ usedAt: null }, { usedAt: { $lt: usedAt } }] }
    return (await this.#tokens.update([{ id, filter, set: { usedAt } }]))[0]!
  }

  async removeToken({ id, namespace }: Parameters<AccountStore['removeToken']>[0]): Promise<UpdateOutcome> {
    return removed(await this.#tokens.remove({ _id: id, namespace }))
  }

  async listTokens(query: Parameters<AccountStore['listTokens']>[0]): Promise<Slice<TokenRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const filter = { namespace: query.namespace, _id: { $gt: after } }
    return sliceOf(await this.#tokens.page(this.#tokens.whole, { filter, sort: { _id: 1 } }, query), (last) => [last.id])
  }

  async insertLink(link: LinkRecord): Promise<InsertOutcome> {
    return (await this.#links.insert([link]))[0]!
  }

  async link(id: string): Promise<LinkRecord | undefined> {
    return (await this.#links.get(this.#links.whole, [id]))[0]
  }

  async takeLink(id: string, at: number): Promise<UpdateOutcome> {
    return (await this.#links.update([{ id, filter: { usedAt: null, expiresAt: { $gt: at } }, set: { usedAt: at } }]))[0]!
  }

  async removeExpired({ before, limit }: Parameters<AccountStore['removeExpired']>[0]): Promise<number> {
    let count = 0
    for (const records of [this.#sessions, this.#tokens, this.#links]) {
      const filter = { expiresAt: { ...ANY_TIME, $lt: before } }
      const expired = await records.find(ID, filter, { sort: { expiresAt: 1, _id: 1 }, limit })
      if (expired.length > 0) count += await records.remove({ _id: { $in: expired.map(({ id }) => id) } })
    }
    return count
  }
}

const removed = (count: number): UpdateOutcome => (count === 1 ? 'applied' : 'refused')
