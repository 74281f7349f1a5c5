import type { IndexDescription } from 'mongodb'

/** What was counted of runs that have ended. */
export const stats: Readonly<Record<string, readonly IndexDescription[]>> = {
  rollups: [{ name: 'by-time', key: { level: 1, start: 1, namespace: 1, scope: 1 } }],
}
