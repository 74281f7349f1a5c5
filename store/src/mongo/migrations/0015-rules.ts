import type { IndexDescription } from 'mongodb'

/** Runs that wait at gates, and runs that have expired. */
export const rules: Readonly<Record<string, readonly IndexDescription[]>> = {
  runs: [
    // Where each run waits to be started.
    { name: 'waiting', key: { gate: 1, gateKey: 1, gateOrder: 1, _id: 1 }, partialFilterExpression: { state: 'waiting' } },
    { name: 'expired', key: { namespace: 1, state: 1, createdAt: -1, _id: -1 }, partialFilterExpression: { state: 'expired' } },
    {
      name: 'of-job-expired',
      key: { namespace: 1, job: 1, state: 1, createdAt: -1, _id: -1 },
      partialFilterExpression: { job: { $gt: '' }, state: 'expired' },
    },
  ],
  jobs: [{ name: 'triggered', key: { _id: 1 }, partialFilterExpression: { triggers: { $gt: '' } } }],
}
