import type { Broker, Logger, MeshClock } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { CautiousTime } from './cautious-time.ts'
import { PruneRuns } from './prune-runs.ts'
import { RemoveRuns } from './remove-runs.ts'
import type { RetentionPolicy } from './retention-rules.ts'
import { Sweeper } from './sweeper.ts'
import { unappliedSince } from './unapplied-messages.ts'

/** What removes runs whose retention is over: periodically, and on request. */
export function retentionOf(given: {
  readonly store: Store
  readonly broker: Broker
  readonly retention: RetentionPolicy
  readonly shares: () => readonly number[]
  /** What ended before is counted. */
  readonly countedUntil: () => Promise<number>
  readonly stopping: AbortSignal
  readonly clock: MeshClock
  readonly log: Logger
}) {
  const ground = {
    ...given,
    policy: given.retention,
    time: new CautiousTime(given.clock),
    unappliedSince: () => unappliedSince(given.broker),
    remove: new RemoveRuns(given),
  }
  return { sweeper: new Sweeper(ground), prune: new PruneRuns(ground) }
}
