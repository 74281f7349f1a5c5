import { DatabaseSync } from 'node:sqlite'

/**
 * Makes a SQLite store itself record each end that overwrites another end. Of another kind of store nothing is
 * known.
 */
export function watchEnds(storeUrl: string): { read(): string[]; close(): void } {
  if (!storeUrl.startsWith('sqlite:')) return { read: () => [], close: () => undefined }
  const database = new DatabaseSync(storeUrl.slice('sqlite:'.length), { timeout: 10_000 })
  const isEnded = (row: string) => `"${row}"."state" in ('succeeded', 'failed', 'timed_out', 'cancelled')`
  database.exec('create table if not exists "chaos_ends" ("id" text not null)')
  for (const table of ['runs', 'tasks'])
    database.exec(
      `create trigger if not exists "chaos_${table}" after update of "state", "result" on "${table}"
       when ${isEnded('old')} and ${isEnded('new')} and ("old"."state" <> "new"."state" or "old"."result" is not "new"."result")
       begin insert into "chaos_ends" values ("new"."id"); end`,
    )
  return {
    read: () =>
      database
        .prepare('select "id" from "chaos_ends"')
        .all()
        .map(({ id }) => String(id)),
    close: () => database.close(),
  }
}
