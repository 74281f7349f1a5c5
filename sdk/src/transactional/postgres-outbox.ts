import type { ErrorBody } from '@carillon/contracts'
import type { ClaimQuery, OutboxRow, OutboxTable } from './outbox-table.ts'

/** A client or a pool of the driver `pg`, or of another one that takes `$1`. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** The table, as a migration of the user may make it, too. */
export const outboxTableSql = (table: string) => `create table if not exists "${table}" (
  "key" text primary key default gen_random_uuid()::text,
  "namespace" text not null default 'default',
  "request" json not null,
  "requested_at" timestamptz not null default now(),
  "claimable_at" timestamptz not null default '-infinity',
  "claim" text,
  "refused" json
);
create index if not exists "${table}_claimable" on "${table}" ("namespace", "claimable_at", "requested_at")`

export class PostgresOutbox implements OutboxTable {
  readonly place: string
  readonly #client: PostgresClient
  readonly #table: string

  constructor(client: PostgresClient, table: string) {
    this.place = `table ${table} of PostgreSQL`
    this.#client = client
    this.#table = table
  }

  async prepare(): Promise<void> {
    await this.#client.query(outboxTableSql(this.#table))
  }

  /** One statement, so a pool does: rows that another one is claiming at this moment are passed over. The clock is that of the database. */
  async claim({ namespace, claim, limit, leaseMs }: ClaimQuery): Promise<readonly OutboxRow[]> {
    const sql = `with "free" as (
        select "key" from "${this.#table}" where "namespace" = $1 and "claimable_at" <= clock_timestamp()
        order by "claimable_at", "requested_at" limit $3 for update skip locked)
      update "${this.#table}" as "row" set "claim" = $2, "claimable_at" = clock_timestamp() + $4 * interval '1 millisecond'
      from "free" where "row"."key" = "free"."key"
      returning "row"."key", "row"."request"::text as "request", extract(epoch from "row"."requested_at") * 1000 as "requestedMs"`
    const { rows } = await this.#client.query(sql, [namespace, claim, limit, leaseMs])
    return (rows as { key: string; request: string; requestedMs: string }[])
      .map(({ key, request, requestedMs }) => ({ key, request, requestedAt: new Date(Number(requestedMs)).toISOString() }))
      .sort((one, other) => (one.requestedAt < other.requestedAt ? -1 : 1))
  }

  async remove(keys: readonly string[]): Promise<void> {
    await this.#client.query(`delete from "${this.#table}" where "key" = any($1)`, [keys])
  }

  async release(keys: readonly string[], claim: string): Promise<void> {
    const sql = `update "${this.#table}" set "claimable_at" = '-infinity', "claim" = null where "key" = any($1) and "claim" = $2`
    await this.#client.query(sql, [keys, claim])
  }

  async refuse(key: string, error: ErrorBody): Promise<void> {
    const refused = `($2::jsonb || jsonb_build_object('at', clock_timestamp()))::json`
    const sql = `update "${this.#table}" set "claimable_at" = 'infinity', "refused" = ${refused} where "key" = $1`
    await this.#client.query(sql, [key, JSON.stringify(error)])
  }
}
