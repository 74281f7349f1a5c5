import { CarillonError, printable } from '@carillon/contracts'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { systemClock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { withoutPassword } from '../logger.ts'

/** A service's connection: reconnects for ever, with jitter. */
export interface Broker {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  /** Called after each reconnect, one after another; a failure is logged and leaves the others alone. */
  onReconnect(callback: () => Promise<void>): void
  close(): Promise<void>
}

const OLDEST = [2, 12] as const
/** Room for what is under way to a slow broker; a process that is told to stop has ten seconds in most places. */
const DRAIN_WITHIN_MS = 3_000

/**
 * Connects a service.
 * @throws CarillonError NATS_UNAVAILABLE, NATS_TOO_OLD, JETSTREAM_MISSING
 */
export async function connectBroker(options: { natsUrl: string; name: string; log: Logger }): Promise<Broker> {
  const where = withoutPassword(options.natsUrl)
  const connection = await connect({
    servers: options.natsUrl.split(','),
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 800,
    pingInterval: 20_000,
    timeout: 5_000,
  }).catch((error: unknown) => {
    throw new CarillonError('NATS_UNAVAILABLE', `no broker answers at ${where}`, { field: 'nats', value: printable(where), cause: error })
  })
  try {
    checkVersion(connection)
    const manager = await openManager(connection)
    return watchConnection({ connection, manager, log: options.log })
  } catch (error) {
    await connection.close()
    throw error
  }
}

function checkVersion(connection: NatsConnection): void {
  const version = connection.info?.version ?? '0'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
  throw new CarillonError('NATS_TOO_OLD', `the broker is version ${version}; ${OLDEST.join('.')} or newer is needed`, {
    field: 'nats',
    value: version,
  })
}

async function openManager(connection: NatsConnection): Promise<JetStreamManager> {
  try {
    if (connection.info?.jetstream === false) throw new Error('the server says that JetStream is off')
    const manager = await jetstreamManager(connection)
    await manager.getAccountInfo()
    return manager
  } catch (error) {
    throw new CarillonError('JETSTREAM_MISSING', 'the broker has no JetStream', { field: 'nats', cause: error })
  }
}

function watchConnection({ connection, manager, log }: { connection: NatsConnection; manager: JetStreamManager; log: Logger }): Broker {
  const callbacks: (() => Promise<void>)[] = []
  const watch = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') log.warn({ evt: 'nats.disconnected' }, 'the broker is away')
      if (status.type === 'error') log.warn({ evt: 'nats.error', error: String(status.error) }, 'the broker reports an error')
      if (status.type !== 'reconnect') continue
      log.info({ evt: 'nats.reconnected' }, 'the broker is back')
      for (const callback of callbacks)
        await callback().catch((error: unknown) =>
          log.error({ evt: 'nats.reconnect-failed', err: error }, 'a step after the reconnect failed'),
        )
    }
  }
  watch().catch((error: unknown) => log.error({ evt: 'nats.status-failed', err: error }, 'cannot follow the connection'))
  return {
    connection,
    manager,
    onReconnect: (callback) => callbacks.push(callback),
    close: () => closeConnection(connection, log),
  }
}

/** Sends what is left; a broker that is away or stands still is not waited for: its connection would dial for ever. */
async function closeConnection(connection: NatsConnection, log: Logger): Promise<void> {
  if (connection.isClosed()) return
  let cancel: () => void = () => undefined
  const tooLate = new Promise<void>((resolve) => (cancel = systemClock.after(DRAIN_WITHIN_MS, resolve)))
  const drained = connection.drain().catch((error: unknown) => log.warn({ evt: 'nats.close', err: error }, 'the connection did not drain'))
  await Promise.race([drained, tooLate])
  cancel()
  await connection.close()
}
