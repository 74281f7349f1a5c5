import type { TaskRecord } from '@carillon/store'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import type { Effect } from '../mode.ts'
import { totalOf } from '../rules/fan-in.ts'
import { begun, type CountedFacts, checkedAgain, goOn, reopened } from '../rules/go-on.ts'

export interface ShardsFacts extends CountedFacts {
  /** Of a run that has not begun, and was given a list of items: JSON text. */
  readonly items: string | null
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

function shardsOf({ run, items: text }: ShardsFacts): TaskRecord[] {
  const total = run.plan?.shards ?? 0
  const items = text === null ? undefined : (JSON.parse(text) as unknown[])
  return Array.from({ length: total }, (_, index) =>
    taskOfRun(run, { index, total, ...(items ? { item: JSON.stringify(items[index]) } : {}) }),
  )
}
