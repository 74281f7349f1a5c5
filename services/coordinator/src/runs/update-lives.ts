import type { CarillonError } from '@carillon/contracts'
import { inIsolation, meter } from '@carillon/runtime'
import type { LifeStore, RunHead, TaskHead, UpdateOutcome } from '@carillon/store'
import type { WorkQueue } from '../ports.ts'
import type { Decision } from './rules/decision.ts'

interface Ports<Change> {
  readonly store: Pick<LifeStore<never, never>, 'update'>
  readonly work: WorkQueue
  /** The record that a change is based on. */
  readonly lifeOf: (change: Change) => RunHead | TaskHead
  /** Whether a queued one needs a work message. */
  readonly owesWork: (change: Change) => boolean
  readonly countEnds: (decisions: readonly Decision[]) => void
}

/** Events that end an attempt. */
const ENDS_OF_ATTEMPTS: ReadonlySet<string> = new Set([
  'succeeded',
  'failed',
  'timed_out',
  'retried',
  'lost',
  'slept',
  'released',
  'returned',
  'cancelled',
])

/** Counts the ends of attempts, of runs and of tasks of fan-out runs. */
export function attemptCounter(): (decisions: readonly Decision[]) => void {
  const attempts = meter.counter('carillon.attempts', 'Attempts that ended, by what became of them')
  return (decisions) => {
    for (const { event } of decisions) if (ENDS_OF_ATTEMPTS.has(event)) attempts.add(1, { outcome: event })
  }
}

/** Writes decisions, each alone if the batch fails; answers per item. Before a task is written as queued, its message is expected. */
export async function updateLives<Change extends { readonly decision: Decision }>(
  changes: readonly Change[],
  { store, work, lifeOf, owesWork, countEnds }: Ports<Change>,
): Promise<readonly (UpdateOutcome | CarillonError)[]> {
  const expected = changes.map((change) => {
    const { set } = change.decision
    if (set.state !== 'queued' || !owesWork(change)) return undefined
    const { id, attempt } = lifeOf(change)
    return work.expect({ id, attempt: set.attempt ?? attempt, queuedAt: set.queuedAt ?? null })
  })
  const write = (some: readonly Change[]) =>
    store.update(
      some.map((change) => {
        const { id, namespace } = lifeOf(change)
        return { id, expect: { namespace, ...change.decision.expect }, set: change.decision.set }
      }),
    )
  const outcomes = await inIsolation(changes, write, (_, error) => error).catch((error: unknown) => {
    for (const one of expected) work.leaveToRepair(one)
    throw error
  })
  for (const [i, outcome] of outcomes.entries()) if (outcome !== 'applied') work.release(expected[i])
  countEnds(changes.flatMap(({ decision }, i) => (outcomes[i] === 'applied' ? [decision] : [])))
  return outcomes
}
