import { CarillonError, printable } from '@carillon/contracts'
import type { Mode } from '../mode.ts'
import { nothingFailed } from '../retry.ts'
import { resumeFrom } from './resume.ts'

/** One task, whose life is the run's own: reports and timers advance it, nothing is to be planned. */
export const single: Mode = {
  readFacts: async (run, { now }) => ({ run, now: now() }),
  plan: () => [],
  async retry(run, { only, fromStep }, store) {
    if (only && (run.state === 'succeeded' || run.state === 'skipped')) throw nothingFailed(run)
    return { resume: await resumeFrom(store, run, fromStep) }
  },
  async tree({ id }) {
    throw new CarillonError('INVALID_REQUEST', `run ${printable(id)} has one task, itself`, {
      field: 'runId',
      value: printable(id),
      hint: 'See runs.get, and runs.steps of one with durable steps: workflows and fan-out runs, such as broadcasts and shards, have a tree.',
    })
  },
}
