import type { TaskRecord } from '@carillon/store'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import type { Effect } from '../mode.ts'
import { totalOf } from '../rules/fan-in.ts'
import { begun, type CountedFacts, checkedAgain, goOn, reopened } from '../rules/go-on.ts'

export interface ShardsFacts extends CountedFacts {
  /** Of a run that has not begun, and has a list of items. */
  readonly items?: readonly unknown[] | undefined
  /** No instance may have its tasks yet, and it has limits. */
  readonly waits?: boolean
}

/** Static shards: a fixed number of tasks, for any instances with room. */
export function planShards(facts: ShardsFacts): Effect[] {
  const { run, counts } = facts
  if (run.state !== 'queued') return goOn(facts)
  if (facts.waits && totalOf(counts) === 0) return checkedAgain()
  const isMade = totalOf(counts) === (run.plan?.shards ?? 0)
  return [isMade ? reopened(facts) : { do: 'create', tasks: shardsOf(facts) }, begun(facts)]
}

/** Made as they are written: of a list of 100,000 items not all are in memory as records. */
function* shardsOf({ run, items }: ShardsFacts): Generator<TaskRecord> {
  const total = run.plan?.shards ?? 0
  for (let index = 0; index < total; index++)
    yield taskOfRun(run, { index, total, ...(items ? { item: JSON.stringify(items[index] ?? null) } : {}) })
}
