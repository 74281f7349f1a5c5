import type { IndexDescription } from 'mongodb'

/** Which runs have a place where not all may run at once, and the order in which runs of a job came. */
export const gates: Readonly<Record<string, readonly IndexDescription[]>> = {
  gates: [{ name: 'due', key: { wakeAt: 1, _id: 1, share: 1 }, partialFilterExpression: { wakeAt: { $gte: 0 } } }],
  orders: [],
}
