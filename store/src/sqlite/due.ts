import type { StoredValue } from '../columns.ts'
import type { DueQuery } from '../ports.ts'
import { SHARES } from '../records.ts'

/** What follows `from <table>` to find what is due, earliest first. A single coordinator owns every share and needs no comparison. */
export function dueCondition({ until, after, shares, limit }: DueQuery): { condition: string; values: StoredValue[] } {
  const all = new Set(shares).size === SHARES
  const owned = all ? '' : 'and "share" in (select "value" from json_each(?))'
  const later = after ? 'and ("wakeAt", "id") > (?, ?)' : ''
  return {
    condition: `where "wakeAt" is not null and "wakeAt" <= ? ${later} ${owned} order by "wakeAt", "id" limit ?`,
    values: [until, ...(after ? [after.wakeAt, after.id] : []), ...(all ? [] : [JSON.stringify(shares)]), limit],
  }
}
