import { LIMITS, type RunState } from '@carillon/contracts'
import type { Store } from '@carillon/store'
import { type RecentRuns, statsOf } from './rules/outcomes.ts'

const STATES: readonly RunState[] = ['succeeded', 'failed', 'timed_out']

/** How long its newest successes took on average; undefined: there is none. */
export async function averageMs(store: Store, { namespace, name }: { namespace: string; name: string }): Promise<number | undefined> {
  const { items } = await store.runs.list({ namespace, job: name, states: ['succeeded'], limit: LIMITS.failuresInRow })
  return statsOf(items).averageMs
}

/** The newest runs of a job in each of the states that say how it fares: others, such as those that wait, would hide them. */
export async function recentRuns(store: Store, { namespace, name }: { namespace: string; name: string }): Promise<RecentRuns> {
  const slices = await Promise.all(
    STATES.map((state) => store.runs.list({ namespace, job: name, states: [state], limit: LIMITS.failuresInRow })),
  )
  return slices.flatMap(({ items }) => items)
}
