import { isEnded } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { Jobs } from '../ports.ts'
import type { ElapsedTime } from '../runs/rules/timing.ts'
import { ReadCoalescing } from './read-coalescing.ts'
import { isCoalescing } from './rules/coalescing.ts'
import { limitsOf } from './rules/gating.ts'
import { rulesIn, rulesNameOf } from './rules/requested-rules.ts'
import { whyCoalescing, whyWaiting } from './rules/why-waiting.ts'

interface Facts {
  readonly store: Store
  readonly jobs: Jobs
  readonly clock: Clock
  readonly elapsed: ElapsedTime
}

/** What holds a run back at its gate, in one sentence; undefined: it does not wait at one. */
export async function whyAtGate(facts: Facts, run: RunHead): Promise<string | undefined> {
  const { store, clock } = facts
  if (run.state !== 'waiting' || run.gate === null) return undefined
  if (isCoalescing(run.gate)) {
    const hint = { id: run.gate, namespace: run.namespace, job: rulesNameOf(run) ?? '', key: run.gateKey ?? '', ended: new Set<string>() }
    const [read] = await new ReadCoalescing(facts).execute([hint], clock.now())
    return read && whyCoalescing(run, read)
  }
  const name = rulesNameOf(run) ?? ''
  const [[gate], [job]] = await Promise.all([store.gates.get([run.gate]), store.jobs.get([jobId(run.namespace, name)])])
  const holders = (gate?.holders.runs ?? []).map(({ id }) => id)
  const heads = await store.runs.heads(holders)
  const open = holders.filter((_, i) => heads[i] && !isEnded(heads[i].state))
  return whyWaiting(run, { gate, open, limits: limitsOf(run.gate, rulesIn(run.namespace, name) ?? job), now: clock.now() })
}
