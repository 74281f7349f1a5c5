import { CarillonError } from '@carillon/contracts'
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node'
import { type Clock, systemClock } from '../clock.ts'
import { withoutPassword } from './servers.ts'

/** How a connection to the broker is made. */
export interface ConnectionSettings {
  /** One address or several of one cluster, checked. */
  readonly servers: readonly string[]
  /** Shown by the broker's own tools. */
  readonly name: string
  /** Options of the NATS client: credentials, TLS and the like. */
  readonly nats?: NodeConnectionOptions | undefined
  /** Time for the first connection in ms. Default 5,000. */
  readonly connectTimeoutMs?: number | undefined
}

const CONNECT_TIMEOUT_MS = 5_000

/**
 * Connect once; from then on the client reconnects by itself, forever.
 * @throws CarillonError NATS_UNAVAILABLE that names the address
 */
export async function openConnection(settings: ConnectionSettings, clock: Clock = systemClock): Promise<NatsConnection> {
  const { servers, name, nats, connectTimeoutMs: timeoutMs = CONNECT_TIMEOUT_MS } = settings
  const opening = connect({
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 500,
    reconnectJitterTLS: 1_000,
    pingInterval: 20_000,
    timeout: timeoutMs,
    ignoreAuthErrorAbort: true,
    ...nats,
    servers: [...servers],
    name,
    reconnect: true,
    waitOnFirstConnect: false,
  })
  const where = servers.map(withoutPassword).join(', ')
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new CarillonError('NATS_UNAVAILABLE', `No connection to ${where}: ${why}`, { field: 'servers', value: where, cause }))
    let late = false
    const timer = clock.after(timeoutMs, () => {
      late = true
      fail(`no answer within ${timeoutMs} ms`)
    })
    opening.then(
      (connection) => {
        timer.cancel()
        if (late) void connection.close()
        else resolve(connection)
      },
      (error: unknown) => {
        timer.cancel()
        fail(reasonOf(error), error)
      },
    )
  })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error.cause instanceof Error && error.cause.message ? error.cause : error
  return inner.message || 'refused'
}
