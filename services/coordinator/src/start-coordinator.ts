import {
  brokerTime,
  type Clock,
  connectBroker,
  freshServiceId,
  type Logger,
  MeshClock,
  MeshTransport,
  type NatsSettings,
  type Running,
  type RunningService,
  startMicroservice,
  systemClock,
  uptimeMs,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { compose, type Ground } from './compose.ts'
import { DEFAULT_RETENTION, type RetentionPolicy } from './retention/retention-rules.ts'

export interface CoordinatorOptions {
  readonly nats: NatsSettings
  readonly store: Store
  readonly log: Logger
  /** Default: a random one. */
  readonly id?: string
  readonly clock?: Clock
  /** Copies of each stream in a cluster. Default 1. */
  readonly streamReplicas?: number
  /** How long ended runs are kept. Default: a day, the newest 20 of each job for ever, and their keys for 30 days more. */
  readonly retention?: Partial<RetentionPolicy>
}

/** What a store takes at once: SQLite works while we wait, so more than one batch under way gains nothing, and a longer one holds up everyone else. */
const BATCHES = {
  sqlite: { maxItems: 500, maxMessages: 1_000, maxInFlight: 1 },
  mongodb: { maxItems: 500, maxMessages: 100, maxInFlight: 2 },
} as const

/** Starts a coordinator; any number may run. It answers calls when this resolves. @throws CarillonError of the broker or the store */
export async function startCoordinator(options: CoordinatorOptions): Promise<RunningService> {
  const { store, clock = systemClock, streamReplicas = 1 } = options
  const id = options.id ?? freshServiceId('coordinator')
  const log = options.log.child({ service: 'coordinator', id })
  const broker = await connectBroker({ nats: options.nats, name: id, log })
  const batch = BATCHES[store.kind]
  const sources = [brokerTime(broker), { name: 'the store', read: () => store.time() }]
  const meshClock = new MeshClock({ local: clock, sources, log, uptimeMs })
  const retention = { ...DEFAULT_RETENTION, ...options.retention }
  return await start({ id, store, broker, clock: meshClock, log, batch, retention, streamReplicas })
}

async function start(ground: Ground & { batch: { maxMessages: number } }): Promise<RunningService> {
  const { broker, log, clock, batch, store } = ground
  const { controller, health, loops, rejected, abort, close } = compose(ground)
  let microservice: Running | undefined
  const stop = async () => {
    abort()
    await microservice?.stop()
    await loops.stop()
    close()
    await broker.close()
  }
  let stopped: Promise<void> | undefined
  const running: RunningService = { stop: () => (stopped ??= stop()), health: () => health.execute() }
  try {
    await loops.start()
    const transport = new MeshTransport({ service: 'coordinator', broker, log, clock, rejected, batches: batch })
    microservice = await startMicroservice({ controller, transport, log })
  } catch (error) {
    // Half of a coordinator would go on saying that it lives, and own a share of the runs.
    await running.stop()
    throw error
  }
  log.info({ evt: 'coordinator.ready', store: store.describe() }, 'coordinator is ready')
  return running
}
