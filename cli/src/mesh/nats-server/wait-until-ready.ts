import { open } from 'node:fs/promises'
import { CarillonError, printable } from '@carillon/contracts'
import { now } from '../../clock.ts'
import { readServerInfo } from './server-info.ts'
import { duration, settlesWithin } from './time-limit.ts'

const READY_MS = 10_000
/** With millions of messages after a crash, the server reads its files again before it listens. */
const RESTORE_MS = 120_000
/** The server is ready some 20 ms after its start; asking costs 0.2 ms. */
const POLL_MS = 4
const INFO_WITHIN_MS = 1_000
const SHOWN_LOG_LINES = 8
const MAX_LOG_BYTES = 32_768
/** Not the words for a port that `configLines` asked for. */
const CLIENT_PORT_TAKEN = /Error listening on port: .*address already in use/

/** Where a server listens. */
export interface ServerPlace {
  readonly host: string
  readonly port: number
}

/** What a log file has gained. */
export interface LogSpan {
  readonly path: string
  /** Its length before. */
  readonly start: number
}

export interface StartingServer {
  readonly place: ServerPlace
  /** Identifies the server that answers. */
  readonly serverName: string
  readonly exited: Promise<{ readonly error?: Error }>
  /** The log file, and its length before this start. */
  readonly log: LogSpan
  readonly say: (line: string) => void
}

/** Resolves when the server answers; returns the error when it ended, or did not answer in time. */
export async function waitUntilReady(server: StartingServer): Promise<CarillonError | undefined> {
  const host = reachableHost(server.place.host)
  let deadline = now() + READY_MS
  let restoring = false
  while (!(await settlesWithin(server.exited, POLL_MS))) {
    const info = await readServerInfo(host, server.place.port, INFO_WITHIN_MS)
    if (info?.server_name === server.serverName) return undefined
    if (now() < deadline) continue
    if (restoring || !/restore|recover/i.test(await newLog(server.log))) {
      return await failed(server, `did not answer within ${duration(restoring ? RESTORE_MS : READY_MS)}`)
    }
    restoring = true
    deadline = now() + RESTORE_MS
    server.say('nats-server is restoring its streams')
  }
  const { error } = await server.exited
  return await failed(server, error === undefined ? 'ended while starting' : `could not be started: ${error.message}`)
}

/** What to connect to when a server listens on every address. */
export function reachableHost(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}

export function portInUse({ host, port }: ServerPlace): CarillonError {
  return new CarillonError('PORT_IN_USE', `Port ${port} on ${host} is in use by another process.`, {
    field: 'port',
    value: printable(String(port)),
    hint: `Stop what listens there, or choose another port with --port, such as --port ${port < 65_535 ? port + 1 : port - 1}.`,
  })
}

async function failed(server: StartingServer, ending: string): Promise<CarillonError> {
  const log = await newLog(server.log)
  if (CLIENT_PORT_TAKEN.test(log)) return portInUse(server.place)
  const lines = log.trimEnd().split('\n').slice(-SHOWN_LOG_LINES)
  const shown = log === '' ? '' : ` Its last log lines:\n${lines.map((line) => `  ${line}`).join('\n')}`
  return new CarillonError('NATS_SERVER_FAILED', `nats-server ${ending}.${shown}`, { hint: `Its whole log: ${server.log.path}` })
}

/** What the log gained since this start, at most the last 32 KiB. */
export async function newLog({ path, start }: LogSpan): Promise<string> {
  await using file = await open(path)
  const { size } = await file.stat()
  // Shorter than before: the server has begun a new file.
  const from = Math.max(size < start ? 0 : start, size - MAX_LOG_BYTES)
  const buffer = Buffer.alloc(size - from)
  await file.read(buffer, 0, buffer.length, from)
  return buffer.toString('utf8')
}
