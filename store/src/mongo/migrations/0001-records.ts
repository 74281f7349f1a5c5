import type { IndexDescription } from 'mongodb'

/** Also for what an instance owns: whatever runs has a `wakeAt`. Each index costs a tenth of the rate of runs. */
const DUE: IndexDescription = {
  name: 'due',
  key: { wakeAt: 1, _id: 1 },
  partialFilterExpression: { wakeAt: { $gte: 0 } },
}
const QUEUED: IndexDescription = {
  name: 'queued',
  key: { queuedAt: 1, _id: 1 },
  partialFilterExpression: { queuedAt: { $gte: 0 } },
}
/**
 * One collection per record kind and an index for each query. Partial where only few records matter at any time:
 * the indexes of a run that has succeeded are `_id` and `recent`, and `of-job` if a job made it.
 */
export const records: Readonly<Record<string, readonly IndexDescription[]>> = {
  runs: [
    DUE,
    QUEUED,
    { name: 'recent', key: { namespace: 1, createdAt: -1, _id: -1 } },
    { name: 'of-job', key: { namespace: 1, job: 1, createdAt: -1, _id: -1 }, partialFilterExpression: { job: { $gt: '' } } },
    {
      name: 'failed',
      key: { namespace: 1, state: 1, createdAt: -1, _id: -1 },
      partialFilterExpression: { state: { $in: ['delayed', 'failed', 'timed_out', 'cancelled', 'skipped'] } },
    },
  ],
  tasks: [DUE, QUEUED, { name: 'in-state', key: { runId: 1, state: 1, _id: 1, mapped: 1 } }],
  steps: [],
  jobs: [DUE, { name: 'by-name', key: { namespace: 1, name: 1 } }],
  logs: [
    { name: 'in-order', key: { namespace: 1, runId: 1, at: 1, taskId: 1, attempt: 1, seq: 1 } },
    { name: 'by-age', key: { at: 1 } },
  ],
  coordinators: [],
  checks: [],
}
