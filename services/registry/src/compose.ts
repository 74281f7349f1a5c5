import { PRESENCE_STREAM, TIMES } from '@carillon/contracts'
import {
  type Composition,
  type Connected,
  controllerOf,
  type Kept,
  keptStream,
  RejectedMessages,
  type Service,
  type StreamCapacity,
  StreamKeeper,
} from '@carillon/runtime'
import { CordonInstance } from './cordons/cordon-instance.ts'
import { cordonsController } from './cordons/cordons.controller.ts'
import { DrainInstance } from './cordons/drain-instance.ts'
import { Cordons } from './cordons/rules/cordons.ts'
import { SendOrders } from './cordons/send-orders.ts'
import { UncordonInstance } from './cordons/uncordon-instance.ts'
import { CheckHealth } from './health/check-health.ts'
import { healthController } from './health/health.controller.ts'
import type { RegistryParts } from './parts.ts'
import { DeclareLost } from './presence/declare-lost.ts'
import { FollowPresence } from './presence/follow-presence.ts'
import { InstanceEvents } from './presence/instance-events.ts'
import { ListHandlers } from './presence/list-handlers.ts'
import { ListInstances } from './presence/list-instances.ts'
import { presenceController } from './presence/presence.controller.ts'
import { PresenceBucket } from './presence/presence-bucket.ts'
import { ReceiveBeat } from './presence/receive-beat.ts'
import { RecordHung } from './presence/record-hung.ts'
import { RestoreEntries } from './presence/restore-entries.ts'
import { AskLimit } from './presence/rules/ask-limit.ts'
import { Roster } from './presence/rules/roster.ts'
import { TickedTime } from './presence/rules/ticked-time.ts'
import { WatchSilence } from './presence/watch-silence.ts'
import { RegisterInstance } from './registration/register-instance.ts'
import { registrationController } from './registration/registration.controller.ts'
import { RemoveInstance } from './registration/remove-instance.ts'
import { Sessions } from './registration/sessions.ts'
import { FollowPriorities } from './work-consumers/follow-priorities.ts'
import { RemoveVanished } from './work-consumers/remove-vanished.ts'
import { WorkConsumers } from './work-consumers/work-consumers.ts'
import { WorkHorizon } from './work-consumers/work-horizon.ts'

export interface RegistrySettings {
  /** Silence after which an instance is lost; default 10 s. */
  readonly lostAfterMs?: number
  /** How long stuck handlers hold every slot of an instance until it is hung; default 30 s. */
  readonly hungAfterMs?: number
  /** How long a handler is not offered, and its queue is empty, until the queue is removed; default a day. */
  readonly handlerIdleMs?: number
}

const DAY_MS = 86_400_000
/** Twenty checks within the time after which an instance is lost: it is declared at most 5 % late. */
const TICKS_PER_LOSS = 20
/** Unknown instances asked to register within one beat: limits the load after the broker was wiped. */
const UNKNOWN_PER_BEAT = 1_000
/** A registry consumes no stream. */
const BATCHES = { maxMessages: 1, maxInFlight: 1 }

/** Composes a registry. */
export function compose(connected: Connected, settings: RegistrySettings): Composition {
  const { log, clock, publisher } = connected
  const tickMs = Math.max(Math.round((settings.lostAfterMs ?? TIMES.lostAfterMs) / TICKS_PER_LOSS), 5)
  const parts = partsOn(connected, { ...settings, tickMs })
  const checkHealth = new CheckHealth(parts)
  const follow = new FollowPresence(parts)
  const orders = new SendOrders(parts)
  const recordHung = new RecordHung({ ...parts, orders })
  const cordonInstance = new CordonInstance({ ...parts, orders })
  followLosses({ ...connected, ...parts, follow })
  return {
    keeper: parts.keeper,
    needed: [
      // Read once the stream exists, and before any instance registers.
      asService(() => parts.horizon.sequence()),
      follow,
      // Before the roster is complete, every instance would be an unknown one.
      asService(() => follow.begun),
    ],
    controller: controllerOf('registry', [
      presenceController({
        receiveBeat: new ReceiveBeat({ ...parts, orders, recordHung }),
        recordHung,
        listInstances: new ListInstances(parts),
        listHandlers: new ListHandlers(parts),
      }),
      registrationController({ registerInstance: new RegisterInstance(parts), removeInstance: new RemoveInstance(parts) }),
      cordonsController(
        {
          cordonInstance,
          uncordonInstance: new UncordonInstance({ ...parts, orders, cordonInstance }),
          drainInstance: new DrainInstance({ ...parts, cordonInstance }),
        },
        parts,
      ),
      healthController({ checkHealth }),
    ]),
    batches: BATCHES,
    rejected: new RejectedMessages(publisher, log),
    clock,
    loops: [
      new WatchSilence({ ...parts, declareLost: new DeclareLost(parts) }, tickMs),
      new FollowPriorities(parts),
      new RemoveVanished(parts, { idleMs: settings.handlerIdleMs ?? DAY_MS }),
    ],
    health: () => checkHealth.execute(),
  }
}

function partsOn(connected: Connected, settings: RegistrySettings & { readonly tickMs: number }): RegistryParts {
  const { id, broker, publisher, clock, log, streamReplicas } = connected
  const { lostAfterMs = TIMES.lostAfterMs, hungAfterMs = TIMES.hungAfterMs, tickMs } = settings
  const beatMs = Math.min(TIMES.beatMs, Math.floor(lostAfterMs / 3))
  const bucket = new PresenceBucket(broker, streamReplicas)
  const consumers = new WorkConsumers({ broker, clock, log })
  const roster = new Roster()
  const cordons = new Cordons()
  const time = new TickedTime({ tickMs, now: clock.monotonic() })
  const restoring = new RestoreEntries({ bucket, roster, cordons, time, log })
  return {
    id,
    broker,
    bucket,
    consumers,
    horizon: new WorkHorizon(broker),
    sessions: new Sessions(broker),
    keeper: new StreamKeeper({ broker, clock, log, kept: keptOf({ broker, bucket, consumers, roster, restoring }, streamReplicas) }),
    events: new InstanceEvents({ publisher, clock, log }),
    roster,
    cordons,
    time,
    unknownInstances: new AskLimit({ windowMs: beatMs, maxKeys: UNKNOWN_PER_BEAT }),
    clock,
    log,
    beatMs,
    lostAfterMs,
    hungAfterMs,
  }
}

const asService = (start: () => Promise<unknown>): Service => ({ start: async () => void (await start()), stop: async () => undefined })

/** The streams that a registry makes where they are missing, its bucket, and in WORK the queue of every offered handler. */
function keptOf(
  parts: Pick<RegistryParts, 'broker' | 'bucket' | 'consumers' | 'roster'> & { restoring: RestoreEntries },
  replicas: number,
): Kept[] {
  const { broker, bucket, consumers, roster, restoring } = parts
  const work = keptStream(broker, 'WORK', { replicas })
  const withConsumers = async (room: StreamCapacity) => {
    const observed = await work.ensure(room)
    if (observed) await consumers.reconcile(roster.handlers(), observed.lastSequence)
    return observed
  }
  const withEntries = async (room: StreamCapacity) => {
    const observed = await bucket.ensure(room)
    await restoring.execute(observed)
    return observed
  }
  return [
    { stream: work.stream, ensure: withConsumers },
    keptStream(broker, 'REPORTS', { replicas }),
    keptStream(broker, 'EVENTS', { replicas }),
    { stream: PRESENCE_STREAM, ensure: withEntries },
  ]
}

/** After a loss of the broker, recreates consumers and entries, and follows the bucket again. */
function followLosses(
  parts: Pick<RegistryParts, 'broker' | 'keeper' | 'consumers' | 'log'> & { stopping: AbortSignal; follow: FollowPresence },
) {
  const { broker, keeper, consumers, log, stopping, follow } = parts
  keeper.onLoss((stream) => {
    if (stream === 'WORK') consumers.forget()
    if (stream === PRESENCE_STREAM)
      follow.restart().catch((error: unknown) => log.error({ evt: 'presence.died', err: error }, 'following the presence bucket died'))
  })
  broker.onReconnect(async () => {
    consumers.forget()
    await keeper.whenKept()
    if (!stopping.aborted) await follow.restart()
  })
}
