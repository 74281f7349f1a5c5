import { CarillonError } from '@carillon/contracts'
import {
  checkNatsSettings,
  isAuthError,
  type NatsAccess,
  type NatsSettings,
  openConnection,
  pause,
  refusalText,
  systemClock,
  within,
} from '@carillon/wire/internal'
import { JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { errors, type NatsConnection } from '@nats-io/transport-node'
import type { Logger } from '../logger.ts'

/** A service's connection: reconnects for ever, with jitter. */
export interface Broker {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  /** Called after each reconnect, one after another; a failure is logged and leaves the others alone. */
  onReconnect(callback: () => Promise<void>): void
  close(): Promise<void>
}

const OLDEST = [2, 12] as const
const PERMISSIONS_HINT = 'Give that user permission to publish to carillon.> and $JS.>, and to subscribe to carillon.> and _INBOX.>.'
/** Room for what is under way to a slow broker; a process that has to stop has ten seconds in most places. */
const DRAIN_WITHIN_MS = 3_000
/** How long the start of a service waits for answers of a broker that it has reached. */
export const BROKER_ANSWERS_WITHIN_MS = 30_000
const ASK_AGAIN_AFTER_MS = 500
/** "JetStream system temporarily unavailable": the servers of a cluster have not elected a leader yet. */
const NO_LEADER = 10_008

/**
 * Connects a service. @param answersWithinMs how long JetStream of a broker that is reached may take to answer; default: one request, 5 s
 * @throws CarillonError NATS_UNAVAILABLE, AUTH_FAILED, TLS_FAILED, NATS_TOO_OLD, JETSTREAM_MISSING, INVALID_REQUEST, INVALID_CONFIG
 */
export async function connectBroker(options: { nats: NatsSettings; name: string; log: Logger; answersWithinMs?: number }): Promise<Broker> {
  const { name, log, answersWithinMs = 0 } = options
  const access = checkNatsSettings(options.nats)
  const connection = await openConnection({ access, name, clock: systemClock })
  try {
    checkVersion(connection)
    const manager = await waitForManager(answersWithinMs, log, () => openManager(connection, access))
    return watchConnection({ connection, manager, access, log })
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

/** A broker that has just started, or is busy, answers late; its cluster may have no leader yet. */
async function waitForManager(withinMs: number, log: Logger, open: () => Promise<JetStreamManager>): Promise<JetStreamManager> {
  for (const until = systemClock.monotonic() + withinMs; ; ) {
    try {
      return await open()
    } catch (error) {
      if (!isUnanswered(error) || systemClock.monotonic() >= until) throw error
      log.warn({ evt: 'nats.unanswered', err: error }, 'JetStream of the broker does not answer; trying again')
      await pause(systemClock, ASK_AGAIN_AFTER_MS)
    }
  }
}

async function openManager(connection: NatsConnection, access: NatsAccess): Promise<JetStreamManager> {
  try {
    if (connection.info?.jetstream === false) throw new Error('the server reports that JetStream is off')
    const manager = await jetstreamManager(connection)
    await manager.getAccountInfo()
    return manager
  } catch (error) {
    const { cause } = error as Error
    if (cause instanceof errors.PermissionViolationError)
      throw new CarillonError('AUTH_FAILED', refusalText(access, cause), { field: 'nats', cause: error, hint: PERMISSIONS_HINT })
    if (error instanceof errors.TimeoutError)
      throw new CarillonError('NATS_UNAVAILABLE', 'JetStream of the broker does not answer', { field: 'nats', cause: error })
    if (error instanceof JetStreamApiError && error.code === NO_LEADER)
      throw new CarillonError('NATS_UNAVAILABLE', 'JetStream of the broker has no leader', { field: 'nats', cause: error })
    throw new CarillonError('JETSTREAM_MISSING', 'the broker has no JetStream', { field: 'nats', cause: error })
  }
}

function watchConnection({
  connection,
  manager,
  access,
  log,
}: {
  connection: NatsConnection
  manager: JetStreamManager
  access: NatsAccess
  log: Logger
}): Broker {
  const callbacks: (() => Promise<void>)[] = []
  let isRefused = false
  const reportError = (error: Error) => {
    if (!isAuthError(error)) log.warn({ evt: 'nats.error', error: String(error) }, 'the broker reports an error')
    // Every attempt to reconnect is refused again: once is enough.
    else if (!isRefused)
      log.error({ evt: 'nats.auth-failed', error: refusalText(access, error) }, 'the broker refuses the credentials; trying again')
    isRefused ||= isAuthError(error)
  }
  const watch = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') log.warn({ evt: 'nats.disconnected' }, 'the broker is away')
      if (status.type === 'error') reportError(status.error)
      if (status.type !== 'reconnect') continue
      isRefused = false
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

/** Sends what is left; a broker that is away or hangs is not waited for: its connection would dial for ever. */
async function closeConnection(connection: NatsConnection, log: Logger): Promise<void> {
  if (connection.isClosed()) return
  const drained = connection.drain().catch((error: unknown) => log.warn({ evt: 'nats.close', err: error }, 'the connection did not drain'))
  await within(systemClock, DRAIN_WITHIN_MS, drained)
  await connection.close()
}

/** Whether a request to JetStream failed because it did not answer, or no leader could: it may be answered later. */
export function isUnanswered(error: unknown): boolean {
  // What takes other ways to the broker fails as this.
  if (CarillonError.is(error)) return error.code === 'NATS_UNAVAILABLE'
  const code = error instanceof JetStreamApiError ? error.code : undefined
  return code === undefined || code === NO_LEADER
}

/** Whether nobody has received a request: no one was subscribed to its subject. */
export const hadNoResponders = (error: unknown): boolean =>
  error instanceof errors.NoRespondersError || (error instanceof errors.RequestError && error.isNoResponders())
