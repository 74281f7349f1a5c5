import { OPEN_STATES, type RunState } from '@carillon/contracts'
import type { RunHead, Store } from '@carillon/store'
import type { Counts } from '../mode.ts'
import { countsOf } from '../rules/fan-in.ts'
import { limitOf } from '../rules/go-on.ts'
import { toleratedOf } from '../rules/request.ts'

/** Tasks of a run that are all counted each time that one of them ends. */
const COUNTED_AT_MOST = 1_000

/**
 * How many tasks are in each state. Of a large run they are counted, while any is open, no further than it takes to decide what comes next: that costs the same for ten tasks
 * and for 100,000.
 */
export async function readCounts(store: Store, run: RunHead): Promise<Counts> {
  const { tasks } = store
  const runId = run.id
  const total = run.plan?.shards ?? 0
  if (total <= COUNTED_AT_MOST || run.state === 'queued') return countsOf(await tasks.tally({ runId }))
  const upTo = (states: readonly RunState[], atMost: number) => tasks.countUpTo({ runId, states, atMost })
  if ((await upTo(OPEN_STATES, 1)) === 0) return countsOf(await tasks.tally({ runId }))
  const limit = limitOf(run) ?? 1
  return {
    waiting: await upTo(['waiting'], 1),
    delayed: await upTo(['delayed'], limit),
    queued: await upTo(['queued'], limit),
    running: await upTo(['running'], limit),
    cancelling: await upTo(['cancelling'], limit),
    ...(run.plan?.failFast ? { failed: await upTo(['failed', 'timed_out'], toleratedOf(run.plan.tolerate, total) + 1) } : {}),
  }
}

/** The items of a run that has not begun, as JSON texts: its own, or those that the task keeps which waits for it. Undefined: it has none. */
export async function readItems(store: Store, run: RunHead): Promise<readonly unknown[] | undefined> {
  if (run.state !== 'queued') return undefined
  const [whole] = await store.runs.get([run.id])
  if (whole?.items) return JSON.parse(whole.items) as unknown[]
  if (run.parentTask === null) return undefined
  const [task] = await store.tasks.get([run.parentTask])
  return task?.item == null ? undefined : (JSON.parse(task.item) as { items?: unknown[] }).items
}
