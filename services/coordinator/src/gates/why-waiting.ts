import { isEnded } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import { limitsOf } from './rules/gating.ts'
import { whyWaiting } from './rules/why-waiting.ts'

/** What holds a run back at its gate, in one sentence; undefined: it does not wait at one. */
export async function whyAtGate({ store, clock }: { store: Store; clock: Clock }, run: RunHead): Promise<string | undefined> {
  if (run.state !== 'waiting' || run.gate === null) return undefined
  const [[gate], [job]] = await Promise.all([store.gates.get([run.gate]), store.jobs.get([jobId(run.namespace, run.job ?? '')])])
  const holders = (gate?.holders.runs ?? []).map(({ id }) => id)
  const heads = await store.runs.heads(holders)
  const open = holders.filter((_, i) => heads[i] && !isEnded(heads[i].state))
  return whyWaiting(run, { gate, open, limits: limitsOf(run.gate, job), now: clock.now() })
}
