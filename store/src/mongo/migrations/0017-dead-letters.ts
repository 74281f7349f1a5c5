import type { IndexDescription } from 'mongodb'

/** Retries of calls that were given up. */
export const deadLetters: Readonly<Record<string, readonly IndexDescription[]>> = {
  deadLetters: [
    { name: 'listed', key: { namespace: 1, at: -1, _id: -1 } },
    { name: 'of-scene', key: { namespace: 1, scene: 1, at: -1, _id: -1 } },
    { name: 'by-age', key: { at: 1, _id: 1 } },
  ],
}
