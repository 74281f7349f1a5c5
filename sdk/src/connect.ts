import { checkName, DEFAULT_NAMESPACE } from '@carillon/contracts'
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { Caller } from './client/caller.ts'
import { systemClock } from './clock.ts'
import { Link } from './connection/link.ts'
import { openConnection } from './connection/open-connection.ts'
import { Mesh } from './mesh.ts'
import { loadTelemetry } from './open-telemetry.ts'
import { emitWarning, type OnWarning } from './warning.ts'

export interface ConnectOptions {
  /** Address of the broker, or several of one cluster. Default `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[] | undefined
  /** Name of the service that this process is part of. */
  readonly service: string
  /** Tenant. Default `default`. */
  readonly namespace?: string | undefined
  /** Options of the NATS client: credentials, TLS and the like. */
  readonly nats?: NodeConnectionOptions | undefined
  /** Time for the first connection in ms. Default 5,000. */
  readonly connectTimeoutMs?: number | undefined
  /** Told of what the SDK deals with by itself: lost connections, messages it cannot read. Default `process.emitWarning`. */
  readonly onWarning?: OnWarning | undefined
}

/**
 * Connect to the mesh. Without handlers the result is a pure client; `handle` and `start` make it an executor.
 * @throws CarillonError NATS_UNAVAILABLE that names the address, within 5 s; INVALID_NAME
 */
export async function connect(options: ConnectOptions): Promise<Mesh> {
  const service = checkName('service', options.service)
  const namespace = checkName('namespace', options.namespace ?? DEFAULT_NAMESPACE)
  const onWarning = options.onWarning ?? emitWarning
  const [connection, telemetry] = await Promise.all([openConnection({ ...options, name: service }), loadTelemetry()])
  const link = new Link(connection, onWarning)
  return new Mesh(link, new Caller(link, { namespace, clock: systemClock, telemetry }))
}
