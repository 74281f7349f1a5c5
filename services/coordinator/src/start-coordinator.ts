import { TIMES } from '@carillon/contracts'
import {
  brokerTime,
  type Connected,
  MeshClock,
  type RunningService,
  randomShare,
  type ServiceOptions,
  startService,
  uptimeMs,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { type CoordinatorDependencies, compose } from './compose.ts'
import { PresenceWatch } from './dispatch/presence.ts'
import { modesOn } from './modes/table.ts'
import { DEFAULT_RETENTION, type RetentionPolicy } from './retention/retention-rules.ts'

export interface CoordinatorOptions extends ServiceOptions {
  readonly store: Store
  /** How long ended runs are kept. Default: a day, the newest 20 of each job for ever, and their keys for 30 days more. */
  readonly retention?: Partial<RetentionPolicy>
  /** The least time that nothing comes of the tasks of an instance until it is hung; longer where 2.5 times the average of their jobs is. Default: 5 min. */
  readonly hungAfterMs?: number
}

/** What is in memory is not read again: a run for each of its reports, the holders of a gate whenever one of them ends. */
const REMEMBERED = { runs: 50_000, gates: 100_000 }
/**
 * The batches of each store. SQLite blocks this thread, so more than one batch under way gains nothing, and a longer one delays other work. With MongoDB a
 * second one would make both smaller: a command costs as much as tens of its records.
 */
const BATCHES = {
  sqlite: { maxItems: 500, maxMessages: 1_000, maxInFlight: 1 },
  mongodb: { maxItems: 500, maxMessages: 100, maxInFlight: 1 },
} as const

/** Starts a coordinator; any number may run. It answers calls when this resolves. @throws CarillonError of the broker or the store */
export function startCoordinator(options: CoordinatorOptions): Promise<RunningService> {
  return startService('coordinator', options, (connected) => compose(dependenciesOf(connected, options)))
}

function dependenciesOf(
  connected: Connected,
  { store, retention, hungAfterMs = TIMES.idleHungAfterMs }: CoordinatorOptions,
): CoordinatorDependencies {
  const { broker, clock: local, log } = connected
  const sources = [brokerTime(broker), { name: 'the store', read: () => store.time() }]
  const clock = new MeshClock({ local, sources, log, uptimeMs })
  return {
    ...connected,
    store,
    clock,
    presence: (on) => new PresenceWatch({ broker, clock, log, ...on }),
    random: randomShare,
    modes: modesOn(store),
    batch: BATCHES[store.kind],
    remembered: REMEMBERED,
    retention: { ...DEFAULT_RETENTION, ...retention },
    hungAfterMs,
  }
}
