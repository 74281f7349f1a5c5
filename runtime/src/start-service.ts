import type { ServiceHealth, ServiceName } from '@carillon/contracts'
import { type Clock, type NatsSettings, StreamPublisher, systemClock } from '@carillon/wire/internal'
import { freshServiceId } from './ids.ts'
import { inOrder, type Service } from './lifecycle.ts'
import type { RunningService } from './local-health.ts'
import type { Logger } from './logger.ts'
import { AuditTrail } from './nats/audit-trail.ts'
import { BROKER_ANSWERS_WITHIN_MS, type Broker, connectBroker } from './nats/connection.ts'
import type { RejectedMessages } from './nats/incoming.ts'
import type { StreamKeeper } from './nats/stream-keeper.ts'
import type { Controller } from './nest/controllers.ts'
import { MeshTransport, type MeshTransportOptions } from './nest/mesh-transport.ts'
import { startMicroservice } from './nest/start-microservice.ts'
import type { Running } from './process.ts'

/** What every service is given. */
export interface ServiceOptions {
  readonly nats: NatsSettings
  readonly log: Logger
  /** Default: a random one. */
  readonly id?: string
  readonly clock?: Clock
  /** Copies of each stream in a cluster. Default 1. */
  readonly streamReplicas?: number
}

/** What a service is composed on. */
export interface Connected {
  readonly id: string
  readonly broker: Broker
  readonly publisher: StreamPublisher
  /** The machine's. */
  readonly clock: Clock
  readonly log: Logger
  readonly streamReplicas: number
  /** Aborts when the service is to stop: what is under way and may be given up ends. */
  readonly stopping: AbortSignal
}

/** A service that is put together and does not run yet. */
export interface Composition {
  readonly keeper: StreamKeeper
  /** What has to run before the first call is answered, in this order. */
  readonly needed: readonly Service[]
  readonly controller: Controller
  readonly batches: MeshTransportOptions['batches']
  readonly rejected: RejectedMessages
  readonly clock: Clock
  /** What runs beside the calls, in this order. */
  readonly loops: readonly Service[]
  health(): Promise<ServiceHealth>
}

/**
 * Starts a service: connects, composes, keeps its streams, starts what calls need, answers calls, starts its loops; stops in reverse. A service
 * that cannot start completely is stopped: one that runs in part would still be announced as alive.
 * @throws CarillonError NATS_UNAVAILABLE, NATS_TOO_OLD, JETSTREAM_MISSING, and what its parts throw
 */
export async function startService(
  service: ServiceName,
  options: ServiceOptions,
  compose: (connected: Connected) => Composition,
): Promise<RunningService> {
  const { clock = systemClock, streamReplicas = 1, id = freshServiceId(service) } = options
  const log = options.log.child({ service, id })
  const broker = await connectBroker({ nats: options.nats, name: id, log, answersWithinMs: BROKER_ANSWERS_WITHIN_MS })
  const publisher = new StreamPublisher(broker.connection, clock)
  const stopping = new AbortController()
  let services: Service | undefined
  const stop = async () => {
    stopping.abort()
    await services?.stop()
    await broker.close()
    publisher.close()
  }
  let stopped: Promise<void> | undefined
  const stopOnce = () => (stopped ??= stop())
  try {
    const composition = compose({ id, broker, publisher, clock, log, streamReplicas, stopping: stopping.signal })
    const { keeper, needed, loops } = composition
    services = inOrder([keeper, ...needed, microservice(composition, { broker, log, trail: new AuditTrail({ publisher, log }) }), ...loops])
    await services.start()
    log.info({ evt: 'service.ready' }, 'the service is ready')
    return { stop: stopOnce, health: () => composition.health() }
  } catch (error) {
    await stopOnce()
    throw error
  }
}

function microservice(
  { controller, batches, rejected, clock }: Composition,
  { broker, log, trail }: { broker: Broker; log: Logger; trail: AuditTrail },
): Service {
  let running: Running | undefined
  return {
    start: async () => {
      const transport = new MeshTransport({ service: controller.service, broker, log, clock, rejected, trail, batches })
      running = await startMicroservice({ controller, transport, log })
    },
    stop: async () => running?.stop(),
  }
}
