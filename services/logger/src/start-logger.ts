import {
  type Broker,
  type Clock,
  connectBroker,
  controllerOf,
  freshServiceId,
  inOrder,
  keptStream,
  type Logger,
  MeshTransport,
  type NatsSettings,
  RejectedMessages,
  type Running,
  type RunningService,
  type Service,
  StreamKeeper,
  StreamPublisher,
  startMicroservice,
  systemClock,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { checkHealth } from './health/check-health.ts'
import { healthController } from './health/health.controller.ts'
import { linesController } from './lines/lines.controller.ts'
import type { LoggerParts } from './parts.ts'
import { KeepRetention } from './retention/keep-retention.ts'
import { LineCounts } from './retention/rules/line-counts.ts'

export interface LoggerOptions {
  readonly nats: NatsSettings
  /** Stays open when the logger stops: whoever opened it closes it. */
  readonly store: Store
  readonly log: Logger
  /** Default: a random name. */
  readonly id?: string
  readonly clock?: Clock
  /** Copies of each stream in a cluster; default 1. */
  readonly streamReplicas?: number
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

/**
 * Starts a logger: it keeps the lines of stream LOGS in the store, answers `logs.query` and removes what is beyond its limits. Any number
 * may run. A live tail needs none of them: whoever wants one subscribes to `log.<runId>` (or `log.>`) and reads what executors publish, at
 * the moment they do.
 * @throws CarillonError NATS_UNAVAILABLE, NATS_TOO_OLD, JETSTREAM_MISSING
 */
export async function startLogger(options: LoggerOptions): Promise<RunningService> {
  const id = options.id ?? freshServiceId('logger')
  const broker = await connectBroker({ nats: options.nats, name: id, log: options.log })
  return run(options, id, broker)
}

async function run(options: LoggerOptions, id: string, broker: Broker): Promise<RunningService> {
  const { log, clock = systemClock, streamReplicas = 1 } = options
  const publisher = new StreamPublisher(broker.connection, clock)
  const keeper = new StreamKeeper({ broker, clock, log, kept: STREAMS.map((name) => keptStream(broker, name, streamReplicas)) })
  const parts: LoggerParts = {
    id,
    broker,
    keeper,
    store: options.store,
    rejected: new RejectedMessages(publisher, log),
    counts: new LineCounts({ maxRuns: COUNTED_RUNS }),
    clock,
    log,
    retentionMs: (options.retentionDays ?? 7) * DAY_MS,
    linesPerRun: options.linesPerRun ?? 100_000,
    startedAt: clock.monotonic(),
  }
  const services = inOrder([keeper, microservice(parts), new KeepRetention(parts, options.trimEveryMs ?? 60_000)])
  const stop = async () => {
    await services.stop()
    await broker.close()
    publisher.close()
  }
  let stopped: Promise<void> | undefined
  const running: RunningService = { stop: () => (stopped ??= stop()), health: () => checkHealth(parts) }
  try {
    broker.onReconnect(() => keeper.whenKept())
    await services.start()
  } catch (error) {
    await running.stop()
    throw error
  }
  log.info({ evt: 'logger.started', id }, 'the logger runs')
  return running
}

function microservice(parts: LoggerParts): Service {
  const { broker, log, clock, rejected } = parts
  let running: Running | undefined
  return {
    start: async () => {
      const rooms = [linesController(parts), healthController(parts)] as const
      const transport = new MeshTransport({ service: 'logger', broker, log, clock, rejected, batches: BATCHES })
      running = await startMicroservice({ controller: controllerOf('logger', rooms), transport, log })
    },
    stop: async () => running?.stop(),
  }
}
