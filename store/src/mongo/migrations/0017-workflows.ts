import type { IndexDescription } from 'mongodb'

/** Messages to runs, and child runs. */
export const workflows: Readonly<Record<string, readonly IndexDescription[]>> = {
  signals: [
    { name: 'due', key: { wakeAt: 1, _id: 1 }, partialFilterExpression: { wakeAt: { $gte: 0 } } },
    { name: 'open', key: { namespace: 1, runId: 1, takenBy: 1, name: 1, at: 1, sequence: 1, _id: 1 } },
    { name: 'taken', key: { takenBy: 1, _id: 1 }, partialFilterExpression: { takenBy: { $gt: '' } } },
    { name: 'unclaimed', key: { namespace: 1 }, partialFilterExpression: { unclaimed: 1 } },
  ],
  runs: [{ name: 'children', key: { parentTask: 1, _id: 1 }, partialFilterExpression: { parentTask: { $gt: '' } } }],
}
