import type { IndexDescription } from 'mongodb'

/** Who changed a job. */
export const changes: Readonly<Record<string, readonly IndexDescription[]>> = {
  changes: [{ name: 'by-age', key: { at: 1, _id: 1 } }],
}
