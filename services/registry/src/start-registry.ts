import { PRESENCE_STREAM, TIMES } from '@carillon/contracts'
import {
  type Broker,
  type Clock,
  connectBroker,
  controllerOf,
  freshServiceId,
  inOrder,
  type Kept,
  keptStream,
  type Logger,
  MeshTransport,
  type NatsSettings,
  RejectedMessages,
  type Room,
  type Running,
  type RunningService,
  type Service,
  StreamKeeper,
  StreamPublisher,
  startMicroservice,
  systemClock,
} from '@carillon/runtime'
import { checkHealth } from './health/check-health.ts'
import { healthController } from './health/health.controller.ts'
import type { RegistryParts } from './parts.ts'
import { FollowPresence } from './presence/follow-presence.ts'
import { InstanceEvents } from './presence/instance-events.ts'
import { presenceController } from './presence/presence.controller.ts'
import { PresenceBucket } from './presence/presence-bucket.ts'
import { RestoreEntries } from './presence/restore-entries.ts'
import { AskLimit } from './presence/rules/ask-limit.ts'
import { Roster } from './presence/rules/roster.ts'
import { TickedTime } from './presence/rules/ticked-time.ts'
import { WatchSilence } from './presence/watch-silence.ts'
import { registrationController } from './registration/registration.controller.ts'
import { Sessions } from './registration/sessions.ts'
import { RemoveVanished } from './work-consumers/remove-vanished.ts'
import { WorkConsumers } from './work-consumers/work-consumers.ts'
import { WorkHorizon } from './work-consumers/work-horizon.ts'

export interface RegistryOptions {
  readonly nats: NatsSettings
  readonly log: Logger
  /** Default: a random name. */
  readonly id?: string
  readonly clock?: Clock
  /** Copies of each stream in a cluster; default 1. */
  readonly streamReplicas?: number
  /** Silence after which an instance is lost; default 10 s. */
  readonly lostAfterMs?: number
  /** How long stuck handlers hold every slot of an instance until it is hung; default 30 s. */
  readonly hungAfterMs?: number
  /** How long nobody offers a handler, and its queue is empty, until that goes; default a day. */
  readonly handlerIdleMs?: number
}

const DAY_MS = 86_400_000
/** Twenty looks within the time that makes an instance lost: it is noticed at most 5 % late. */
const TICKS_PER_LOSS = 20
/** Unknown instances asked to register within one beat: after the broker was wiped the mesh comes back in portions that it can take. */
const STRANGERS_PER_BEAT = 1_000

/**
 * Starts a registry: it knows who is alive, what they can do and how loaded they are. Any number may run.
 * @throws CarillonError NATS_UNAVAILABLE, NATS_TOO_OLD, JETSTREAM_MISSING
 */
export async function startRegistry(options: RegistryOptions): Promise<RunningService> {
  const id = options.id ?? freshServiceId('registry')
  const broker = await connectBroker({ nats: options.nats, name: id, log: options.log })
  return run(options, id, broker)
}

async function run(options: RegistryOptions, id: string, broker: Broker): Promise<RunningService> {
  const { log, clock = systemClock, streamReplicas = 1, lostAfterMs = TIMES.lostAfterMs, hungAfterMs = TIMES.hungAfterMs } = options
  const publisher = new StreamPublisher(broker.connection, clock)
  const tickMs = Math.max(Math.round(lostAfterMs / TICKS_PER_LOSS), 5)
  const parts = assemble({ id, broker, publisher, clock, log, lostAfterMs, hungAfterMs, tickMs, streamReplicas })
  const follow = new FollowPresence(parts)
  const { keeper } = parts
  keeper.onLoss((stream) => {
    if (stream === 'WORK') parts.consumers.forget()
    if (stream === PRESENCE_STREAM)
      follow.restart().catch((error: unknown) => log.error({ evt: 'presence.died', err: error }, 'following the presence bucket died'))
  })

  const services = inOrder([
    keeper,
    noteHorizon(parts),
    follow,
    microservice({ parts, publisher, ready: follow.begun }),
    new WatchSilence(parts, tickMs),
    new RemoveVanished(parts, { idleMs: options.handlerIdleMs ?? DAY_MS }),
  ])
  const stop = async () => {
    await services.stop()
    await broker.close()
    publisher.close()
  }
  let stopped: Promise<void> | undefined
  const running: RunningService = { stop: () => (stopped ??= stop()), health: () => checkHealth(parts) }
  try {
    broker.onReconnect(async () => {
      parts.consumers.forget()
      await keeper.whenKept()
      if (!stopped) await follow.restart()
    })
    await services.start()
  } catch (error) {
    await running.stop()
    throw error
  }
  log.info({ evt: 'registry.started', id }, 'the registry runs')
  return running
}

/** Calls and beats, taken once the roster is complete: before, everyone would be a stranger. */
function microservice(options: { parts: RegistryParts; publisher: StreamPublisher; ready: Promise<void> }): Service {
  const { broker, log, clock } = options.parts
  let running: Running | undefined
  return {
    start: async () => {
      await options.ready
      const rejected = new RejectedMessages(options.publisher, log)
      const rooms = [presenceController(options.parts), registrationController(options.parts), healthController(options.parts)] as const
      const batches = { maxMessages: 1, maxInFlight: 1 }
      const transport = new MeshTransport({ service: 'registry', broker, log, clock, rejected, batches })
      running = await startMicroservice({ controller: controllerOf('registry', rooms), transport, log })
    },
    stop: async () => running?.stop(),
  }
}

function assemble(given: {
  id: string
  broker: Broker
  publisher: StreamPublisher
  clock: Clock
  log: Logger
  lostAfterMs: number
  hungAfterMs: number
  tickMs: number
  streamReplicas: number
}): RegistryParts {
  const { id, broker, publisher, clock, log, lostAfterMs, hungAfterMs } = given
  const beatMs = Math.min(TIMES.beatMs, Math.floor(lostAfterMs / 3))
  const bucket = new PresenceBucket(broker, given.streamReplicas)
  const consumers = new WorkConsumers({ broker, clock, log })
  const roster = new Roster()
  const time = new TickedTime({ tickMs: given.tickMs, now: clock.monotonic() })
  const restoring = new RestoreEntries({ bucket, roster, time, log })
  return {
    id,
    broker,
    bucket,
    consumers,
    horizon: new WorkHorizon(broker),
    sessions: new Sessions(broker),
    keeper: new StreamKeeper({ broker, clock, log, kept: keptOf({ broker, bucket, consumers, roster, restoring }, given.streamReplicas) }),
    events: new InstanceEvents({ publisher, clock, log }),
    roster,
    time,
    strangers: new AskLimit({ windowMs: beatMs, maxKeys: STRANGERS_PER_BEAT }),
    clock,
    log,
    beatMs,
    lostAfterMs,
    hungAfterMs,
    startedAt: clock.monotonic(),
  }
}

/** Asked once the stream is there, and before anyone registers. */
function noteHorizon({ horizon }: RegistryParts): Service {
  return { start: async () => void (await horizon.sequence()), stop: () => Promise.resolve() }
}

/** The streams that a registry makes where they are missing, its bucket, and in WORK the queue of every handler that somebody offers. */
function keptOf(
  parts: Pick<RegistryParts, 'broker' | 'bucket' | 'consumers' | 'roster'> & { restoring: RestoreEntries },
  replicas: number,
): Kept[] {
  const { broker, bucket, consumers, roster, restoring } = parts
  const work = keptStream(broker, 'WORK', replicas)
  const withConsumers = async (room: Room) => {
    const sight = await work.ensure(room)
    if (sight) await consumers.reconcile(roster.handlers(), sight.lastSequence)
    return sight
  }
  const withEntries = async (room: Room) => {
    const sight = await bucket.ensure(room)
    await restoring.execute(sight)
    return sight
  }
  return [
    { stream: work.stream, ensure: withConsumers },
    keptStream(broker, 'REPORTS', replicas),
    keptStream(broker, 'EVENTS', replicas),
    { stream: PRESENCE_STREAM, ensure: withEntries },
  ]
}
