import { type Composition, type Connected, controllerOf, keptStream, RejectedMessages, StreamKeeper } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { CheckHealth } from './health/check-health.ts'
import { healthController } from './health/health.controller.ts'
import { linesController } from './lines/lines.controller.ts'
import { QueryLogs } from './lines/query-logs.ts'
import { SearchLogs } from './lines/search-logs.ts'
import { StoreLines } from './lines/store-lines.ts'
import type { LoggerParts } from './parts.ts'
import { KeepRetention } from './retention/keep-retention.ts'
import { LineCounts } from './retention/rules/line-counts.ts'
import { TrimLines } from './retention/trim-lines.ts'

export interface LoggerSettings {
  /** Stays open when the logger stops: its opener closes it. */
  readonly store: Store
  /** Days that lines are kept; default 7. */
  readonly retentionDays?: number
  /** Lines kept of one run, the newest; default 100,000. A run may exceed it by 1 % until it is trimmed. */
  readonly linesPerRun?: number
  /** Time between two rounds of removing what is beyond those limits; default one minute. */
  readonly trimEveryMs?: number
}

const STREAMS = ['LOGS', 'EVENTS'] as const
const DAY_MS = 86_400_000
/** Up to 5,000 lines a batch; the next one is fetched while one is stored. */
const BATCHES = { maxMessages: 50, maxInFlight: 1 }
/** Runs whose lines are counted: 1 MiB of memory. */
const COUNTED_RUNS = 10_000

/** Composes a logger. */
export function compose({ id, broker, publisher, clock, log, streamReplicas }: Connected, settings: LoggerSettings): Composition {
  const keeper = new StreamKeeper({
    broker,
    clock,
    log,
    kept: STREAMS.map((name) => keptStream(broker, name, { replicas: streamReplicas })),
  })
  const parts: LoggerParts = {
    id,
    broker,
    keeper,
    store: settings.store,
    rejected: new RejectedMessages(publisher, log),
    counts: new LineCounts({ maxRuns: COUNTED_RUNS }),
    clock,
    log,
    retentionMs: (settings.retentionDays ?? 7) * DAY_MS,
    linesPerRun: settings.linesPerRun ?? 100_000,
  }
  const checkHealth = new CheckHealth(parts)
  broker.onReconnect(() => keeper.whenKept())
  return {
    keeper,
    needed: [],
    controller: controllerOf('logger', [
      linesController({ queryLogs: new QueryLogs(parts), searchLogs: new SearchLogs(parts), storeLines: new StoreLines(parts) }),
      healthController({ checkHealth }),
    ]),
    batches: BATCHES,
    rejected: parts.rejected,
    clock,
    loops: [new KeepRetention({ ...parts, trimLines: new TrimLines(parts) }, settings.trimEveryMs ?? 60_000)],
    health: () => checkHealth.execute(),
  }
}
