import { OPEN_STATES } from '@carillon/contracts'
import type { IndexDescription } from 'mongodb'

/** Open runs and tasks that are bound to a program: few have durable steps. */
const OF_PROGRAM: IndexDescription = {
  name: 'of-program',
  key: { namespace: 1, program: 1, state: 1, pinnedAt: 1 },
  partialFilterExpression: { program: { $gt: '' }, state: { $in: [...OPEN_STATES] } },
}

/** Messages to runs, child runs, and the programs of runs with steps. */
export const workflows: Readonly<Record<string, readonly IndexDescription[]>> = {
  tasks: [OF_PROGRAM],
  signals: [
    { name: 'due', key: { wakeAt: 1, _id: 1 }, partialFilterExpression: { wakeAt: { $gte: 0 } } },
    { name: 'open', key: { namespace: 1, runId: 1, takenBy: 1, name: 1, at: 1, sequence: 1, _id: 1 } },
    { name: 'taken', key: { takenBy: 1, _id: 1 }, partialFilterExpression: { takenBy: { $gt: '' } } },
    { name: 'unclaimed', key: { namespace: 1 }, partialFilterExpression: { unclaimed: 1 } },
  ],
  runs: [
    OF_PROGRAM,
    { name: 'children', key: { parentTask: 1, _id: 1 }, partialFilterExpression: { parentTask: { $gt: '' } } },
    { name: 'paused', key: { _id: 1 }, partialFilterExpression: { state: 'paused' } },
    { name: 'ended-children', key: { endedAt: 1, _id: 1 }, partialFilterExpression: { parentTask: { $gt: '' }, endedAt: { $gte: 0 } } },
  ],
}
