import type { IndexDescription } from 'mongodb'

/** Runs are searched by this state, too. */
export const rules: Readonly<Record<string, readonly IndexDescription[]>> = {
  runs: [
    { name: 'expired', key: { namespace: 1, state: 1, createdAt: -1, _id: -1 }, partialFilterExpression: { state: 'expired' } },
    {
      name: 'of-job-expired',
      key: { namespace: 1, job: 1, state: 1, createdAt: -1, _id: -1 },
      partialFilterExpression: { job: { $gt: '' }, state: 'expired' },
    },
  ],
}
