import { LINK_COLUMNS, SESSION_COLUMNS, TOKEN_COLUMNS, USER_COLUMNS } from '../account-columns.ts'
import type { AccountStore } from '../account-port.ts'
import type { LinkRecord, SessionRecord, TokenRecord, UserRecord } from '../account-records.ts'
import type { StoredValue } from '../columns.ts'
import type { InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { PageQuery, Slice } from '../slice.ts'
import { decodeCursor, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { Table } from './table.ts'

export class SqliteAccountStore implements AccountStore {
  readonly #connection: Connection
  readonly #users: Table<UserRecord>
  readonly #sessions: Table<SessionRecord>
  readonly #tokens: Table<TokenRecord>
  readonly #links: Table<LinkRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#users = new Table<UserRecord>(connection, 'users', USER_COLUMNS)
    this.#sessions = new Table<SessionRecord>(connection, 'sessions', SESSION_COLUMNS)
    this.#tokens = new Table<TokenRecord>(connection, 'tokens', TOKEN_COLUMNS)
    this.#links = new Table<LinkRecord>(connection, 'links', LINK_COLUMNS)
  }

  async insertUser(user: UserRecord): Promise<InsertOutcome> {
    return this.#users.insert([user])[0]!
  }

  async users(ids: readonly string[]): Promise<(UserRecord | undefined)[]> {
    return this.#users.get(this.#users.whole, ids)
  }

  async replaceUser(user: UserRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return this.#users.replace(user, expect)
  }

  async listUsers(query: PageQuery): Promise<Slice<UserRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const page = this.#users.page(this.#users.whole, { rest: 'where "id" > ? order by "id"', values: [after] }, query)
    return sliceOf(page, (last) => [last.id])
  }

  async insertSession(session: SessionRecord): Promise<InsertOutcome> {
    return this.#sessions.insert([session])[0]!
  }

  async session(id: string): Promise<SessionRecord | undefined> {
    return this.#sessions.get(this.#sessions.whole, [id])[0]
  }

  async touchSession(id: string, seenAt: number): Promise<UpdateOutcome> {
    return this.#change('update "sessions" set "seenAt" = ? where "id" = ? and "seenAt" < ?', [seenAt, id, seenAt])
  }

  async removeSession(id: string): Promise<UpdateOutcome> {
    return this.#change('delete from "sessions" where "id" = ?', [id])
  }

  async insertToken(token: TokenRecord): Promise<InsertOutcome> {
    return this.#tokens.insert([token])[0]!
  }

  async token(id: string): Promise<TokenRecord | undefined> {
    return this.#tokens.get(this.#tokens.whole, [id])[0]
  }

  async touchToken(id: string, usedAt: number): Promise<UpdateOutcome> {
    const sql = 'update "tokens" set "usedAt" = ? where "id" = ? and ("usedAt" is null or "usedAt" < ?)'
    return this.#change(sql, [usedAt, id, usedAt])
  }

  async removeToken({ id, namespace }: Parameters<AccountStore['removeToken']>[0]): Promise<UpdateOutcome> {
    return this.#change('delete from "tokens" where "id" = ? and "namespace" = ?', [id, namespace])
  }

  async listTokens(query: Parameters<AccountStore['listTokens']>[0]): Promise<Slice<TokenRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const rest = 'where "namespace" = ? and "id" > ? order by "id"'
    return sliceOf(this.#tokens.page(this.#tokens.whole, { rest, values: [query.namespace, after] }, query), (last) => [last.id])
  }

  async insertLink(link: LinkRecord): Promise<InsertOutcome> {
    return this.#links.insert([link])[0]!
  }

  async link(id: string): Promise<LinkRecord | undefined> {
    return this.#links.get(this.#links.whole, [id])[0]
  }

  async takeLink(id: string, at: number): Promise<UpdateOutcome> {
    return this.#change('update "links" set "usedAt" = ? where "id" = ? and "usedAt" is null and "expiresAt" > ?', [at, id, at])
  }

  async removeExpired({ before, limit }: Parameters<AccountStore['removeExpired']>[0]): Promise<number> {
    let count = 0
    for (const table of ['sessions', 'tokens', 'links']) {
      const expired = `select "id" from "${table}" where "expiresAt" < ? order by "expiresAt", "id" limit ?`
      count += this.#connection.run(`delete from "${table}" where "id" in (${expired})`, [before, limit])
    }
    return count
  }

  #change(sql: string, values: readonly StoredValue[]): UpdateOutcome {
    return this.#connection.run(sql, values) === 1 ? 'applied' : 'refused'
  }
}
