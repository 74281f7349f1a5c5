import type { StoredValue } from '../columns.ts'
import type { Due, DueQuery } from '../ports.ts'
import { SHARES } from '../shares.ts'
import type { Connection } from './connection.ts'

/** What of a table is due, earliest first. A single coordinator owns every share and needs no comparison. */
export function dueOf(connection: Connection, table: string, { until, after, shares, limit }: DueQuery): Due[] {
  const all = new Set(shares).size === SHARES
  const owned = all ? '' : 'and "share" in (select "value" from json_each(?))'
  const later = after ? 'and ("wakeAt", "id") > (?, ?)' : ''
  const condition = `where "wakeAt" is not null and "wakeAt" <= ? ${later} ${owned} order by "wakeAt", "id" limit ?`
  const values: StoredValue[] = [until, ...(after ? [after.wakeAt, after.id] : []), ...(all ? [] : [JSON.stringify(shares)]), limit]
  return connection
    .all(`select "id", "wakeAt" from "${table}" ${condition}`, values)
    .map((row) => ({ id: row['id'] as string, wakeAt: row['wakeAt'] as number }))
}
