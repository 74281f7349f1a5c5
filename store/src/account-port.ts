import type { AuditRecord, LinkRecord, SessionRecord, TokenRecord, UserRecord } from './account-records.ts'
import type { InsertOutcome, UpdateOutcome } from './queries.ts'
import type { PageQuery, Slice } from './slice.ts'

/** Who may sign in, and with what. */
export interface AccountStore {
  insertUser(user: UserRecord): Promise<InsertOutcome>
  users(ids: readonly string[]): Promise<(UserRecord | undefined)[]>
  /** Replaces the whole record if its stored revision is the expected one. */
  replaceUser(user: UserRecord, expect: { revision: number }): Promise<UpdateOutcome>
  /** By id, ascending. */
  listUsers(query: PageQuery): Promise<Slice<UserRecord>>

  insertSession(session: SessionRecord): Promise<InsertOutcome>
  session(id: string): Promise<SessionRecord | undefined>
  /** @param seenAt replaces an earlier one */
  touchSession(id: string, seenAt: number): Promise<UpdateOutcome>
  removeSession(id: string): Promise<UpdateOutcome>

  insertToken(token: TokenRecord): Promise<InsertOutcome>
  token(id: string): Promise<TokenRecord | undefined>
  /** @param usedAt replaces an earlier one */
  touchToken(id: string, usedAt: number): Promise<UpdateOutcome>
  removeToken(query: { readonly id: string; readonly namespace: string }): Promise<UpdateOutcome>
  /** By id, ascending. */
  listTokens(query: PageQuery & { readonly namespace: string }): Promise<Slice<TokenRecord>>

  insertLink(link: LinkRecord): Promise<InsertOutcome>
  link(id: string): Promise<LinkRecord | undefined>
  /** Applied once: by the first that takes it before it expires. */
  takeLink(id: string, at: number): Promise<UpdateOutcome>

  /** Deletes sessions, tokens and links that expired before then, at most `limit` of each; answers how many. */
  removeExpired(query: { readonly before: number; readonly limit: number }): Promise<number>
}

export interface AuditQuery extends PageQuery {
  readonly namespace: string
  readonly actor?: string | undefined
  readonly action?: string | undefined
}

/** What people and programs have changed. */
export interface AuditStore {
  insert(records: readonly AuditRecord[]): Promise<InsertOutcome[]>
  /** Newest first. */
  list(query: AuditQuery): Promise<Slice<AuditRecord>>
  /** Deletes records made before then, the oldest first, at most `limit`; answers how many. */
  removeOlder(query: { readonly before: number; readonly limit: number }): Promise<number>
}
