import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { CarillonError, checkBy, checkName, DEFAULT_NAMESPACE, LIMITS, printable } from '@carillon/contracts'
import type { NatsSettings } from '@carillon/wire'
import { checkNatsSettings, openConnection, randomLetters, systemClock } from '@carillon/wire/internal'
import { checkObject } from './check-object.ts'
import { Caller } from './client/caller.ts'
import { Client } from './client/client.ts'
import { Link } from './connection/link.ts'
import { Isolation } from './executor/isolation.ts'
import { LogShipper } from './logs/log-shipper.ts'
import { Mesh } from './mesh.ts'
import { loadTelemetry } from './open-telemetry.ts'
import { OUTBOX_BYTES, type OutboxSettings } from './outbox/outbox.ts'
import { MeshRetries } from './retry/mesh-retries.ts'
import { TransactionalOutbox } from './transactional/transactional-outbox.ts'
import { emitWarning, guarded, type OnWarning } from './warning.ts'

/** The address of the broker, the login, and the identity of this process. `natsSettingsFrom(process.env)` answers the first two. */
export interface ConnectOptions extends NatsSettings {
  /** Name of the service that this process is part of. */
  readonly service: string
  /** Who makes the calls of this client: kept with runs, changes of jobs and cordons. 200 characters at most. Default: the service. */
  readonly by?: string | undefined
  /** Tenant. Default `default`. */
  readonly namespace?: string | undefined
  /** Name of this process, unique in its namespace. Default `<service>-<host>-<random>`. */
  readonly instance?: string | undefined
  /** Version of the service. Default `0.0.0`. */
  readonly version?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Tasks of all handlers together that run at once. Default: the sum of their concurrencies. */
  readonly capacity?: number | undefined
  /** Drain on SIGTERM and SIGINT once started; a second signal exits. Default true. */
  readonly signals?: boolean | undefined
  /** Time that `stop` gives running tasks, in ms. Default 30,000. */
  readonly drainMs?: number | undefined
  /**
   * Heartbeats come from a thread of their own, with a connection of its own, so that a handler that computes for long does not make this process
   * lost. Default true. Without it, and where no thread can be started, the main thread sends them, with a warning.
   */
  readonly thread?: boolean | undefined
  /** Where calls of `mesh.retryable` are kept that could not be sent. */
  readonly outbox?: OutboxOptions | undefined
  /** Further options of the NATS client (its `NodeConnectionOptions`), for what has no option here; they win. */
  readonly nats?: object | undefined
  /** Time for the first connection in ms. Default 5,000. */
  readonly connectTimeoutMs?: number | undefined
  /**
   * Called with problems that the SDK handles by itself: lost connections, messages it cannot read, a drain whose time was over. Default: a warning
   * of the process, `process.emitWarning` with the type `CarillonWarning`. What it throws is a warning of the process, too.
   */
  readonly onWarning?: OnWarning | undefined
}

/** The files of what could not be sent. */
export interface OutboxOptions {
  /** Made when it is needed; processes of one machine may share it, and then send what is left of one that has died. Default `.carillon/outbox` in the working directory. */
  readonly folder?: string | undefined
  /** Of the file of this process, in bytes; more is refused with OUTBOX_FULL. Default 64 MiB. */
  readonly maxBytes?: number | undefined
  /** Wait until the disk has what is kept: it survives a loss of power, too. Default false: it survives the process. */
  readonly fsync?: boolean | undefined
}

const DRAIN_MS = 30_000
/** Shared by all executors of this process: they die together. */
const isolation = new Isolation(systemClock)

/**
 * Connect to the mesh. Without handlers the result is a pure client; `handle` and `start` make it an executor.
 * @throws CarillonError NATS_UNAVAILABLE that names the address, within 5 s; AUTH_FAILED, TLS_FAILED, INVALID_NAME, INVALID_REQUEST
 */
export async function connect(options: ConnectOptions): Promise<Mesh> {
  const clock = systemClock
  const { access, identity, namespace, capacity, by, outbox } = checked(options)
  const onWarning = guarded(options.onWarning ?? emitWarning)
  const requestFor = (name: string) => ({ access, name, timeoutMs: options.connectTimeoutMs, more: options.nats })
  const open = async (name: string) => {
    const connection = await openConnection({ ...requestFor(name), clock })
    return new Link(connection, { access, onWarning })
  }
  const [link, telemetry] = await Promise.all([open(identity.instance), loadTelemetry()])
  const caller = new Caller(link, { namespace, by, clock, telemetry })
  const logs = new LogShipper({
    ...{ namespace, clock, onWarning },
    instance: identity.instance,
    open: () => open(`${identity.instance} logs`),
  })
  const { signals = true, drainMs = DRAIN_MS, thread = true } = options
  const threadConnection = thread ? requestFor(`${identity.instance} liveness`) : undefined
  const settings = { identity, capacity, isolation, signals, drainMs, threadConnection }
  const retries = new MeshRetries({ link, caller, outbox, onWarning })
  const inTransactions = new TransactionalOutbox({ link, caller, onWarning })
  return new Mesh({
    ...{ link, caller, clock, logs, onWarning, retries, outbox: inTransactions },
    ...settings,
    client: new Client(link, caller),
  })
}

function checked(options: ConnectOptions) {
  if (options?.service === undefined) throw serviceMissing()
  const service = checkName('service', options.service)
  const namespace = checkName('namespace', options.namespace ?? DEFAULT_NAMESPACE)
  const instance = checkName('instance', options.instance ?? defaultInstance(service))
  const { version = '0.0.0', labels = {}, capacity } = options
  if (capacity !== undefined && !(Number.isInteger(capacity) && capacity >= 1 && capacity <= LIMITS.capacity)) {
    const hint = `Use a whole number from 1 to ${LIMITS.capacity}.`
    throw new CarillonError('INVALID_REQUEST', `capacity is wrong: ${printable(capacity)}`, {
      field: 'capacity',
      value: printable(capacity),
      hint,
    })
  }
  const by = checkBy(options.by, 'by') ?? service
  const outbox = outboxOf(options.outbox ?? {}, namespace)
  return {
    by,
    outbox,
    access: checkNatsSettings(options),
    identity: { instance, service, version, labels: { ...labels } },
    namespace,
    capacity,
  }
}

const SMALLEST_OUTBOX_BYTES = 1_024

function outboxOf(options: OutboxOptions, namespace: string): OutboxSettings {
  const { folder = join('.carillon', 'outbox'), maxBytes = OUTBOX_BYTES, fsync = false, ...rest } = checkObject('outbox', options)
  const fail = (field: string, given: unknown, hint: string) =>
    new CarillonError('INVALID_REQUEST', `outbox.${field} is wrong: ${printable(given)}`, {
      field: `outbox.${field}`,
      value: printable(given),
      hint,
    })
  for (const [field, value] of Object.entries(rest)) throw fail(field, value, 'Use folder, maxBytes and fsync.')
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) throw fail('folder', folder, 'Name a folder.')
  if (!(Number.isSafeInteger(maxBytes) && maxBytes >= SMALLEST_OUTBOX_BYTES))
    throw fail('maxBytes', maxBytes, `Use a whole number of bytes from ${SMALLEST_OUTBOX_BYTES}.`)
  if (typeof fsync !== 'boolean') throw fail('fsync', fsync, 'Use true or false.')
  // The process may change its working directory.
  return { folder: resolve(folder, namespace), maxBytes, fsync }
}

function serviceMissing(): CarillonError {
  const hint = "Pass at least { service: 'billing' }. Everything else has a default; that of servers is nats://127.0.0.1:4222."
  return new CarillonError('INVALID_REQUEST', 'service is missing: undefined', { field: 'service', value: 'undefined', hint })
}

const RANDOM_LETTERS = 8
const HOST_LETTERS = 24

function defaultInstance(service: string): string {
  const host = hostname()
    .split('.')[0]
    ?.replace(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, HOST_LETTERS)
  const room = LIMITS.nameLength - RANDOM_LETTERS - HOST_LETTERS - 2
  return `${service.slice(0, room)}-${host || 'host'}-${randomLetters(RANDOM_LETTERS)}`
}
