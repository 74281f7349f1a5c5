import type { StoredValue } from '../columns.ts'
import type { DueQuery } from '../ports.ts'
import { SHARES } from '../records.ts'

/** What follows `from <table>` to find what is due, earliest first. A single coordinator owns every share and needs no comparison. */
export function dueCondition({ until, shares, limit }: DueQuery): { condition: string; values: StoredValue[] } {
  const all = new Set(shares).size === SHARES
  const owned = all ? '' : 'and "share" in (select "value" from json_each(?))'
  return {
    condition: `where "wakeAt" is not null and "wakeAt" <= ? ${owned} order by "wakeAt", "id" limit ?`,
    values: all ? [until, limit] : [until, JSON.stringify(shares), limit],
  }
}
