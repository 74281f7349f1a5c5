import type { TaskRecord } from '@carillon/store'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import { begun, type Facts, goOn, type Planner, reopened, totalOf } from '../planner.ts'

/** Static shards (semantics D2): as many tasks as the plan says, for whoever has room. */
export const planShards: Planner = (facts) => {
  const { run, counts } = facts
  if (run.state !== 'queued') return goOn(facts)
  const isMade = totalOf(counts) === (run.plan?.shards ?? 0)
  return [isMade ? reopened(facts) : { do: 'create', tasks: shardsOf(facts) }, begun(facts)]
}

function shardsOf({ run, items: text }: Facts): TaskRecord[] {
  const total = run.plan?.shards ?? 0
  const items = typeof text === 'string' ? (JSON.parse(text) as unknown[]) : undefined
  return Array.from({ length: total }, (_, index) =>
    taskOfRun(run, { index, total, ...(items ? { item: JSON.stringify(items[index]) } : {}) }),
  )
}
