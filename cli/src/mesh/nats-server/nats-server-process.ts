import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, statSync, writeFileSync } from 'node:fs'
import { CarillonError, printable } from '@carillon/contracts'
import { makeDataFolder } from './data-folder.ts'
import { probePort } from './free-port.ts'
import { stopLeftover } from './leftover-server.ts'
import { natsServerConfig, natsServerFiles } from './nats-server-config.ts'
import { endGroup, endWithUs } from './own-children.ts'
import { storageOf } from './storage.ts'
import { settlesWithin } from './time-limit.ts'
import { newLog, portInUse, reachableHost, type ServerPlace, waitUntilReady } from './wait-until-ready.ts'

export interface StartNatsServerOptions {
  /** Path of nats-server. */
  readonly binary: string
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 picks a free one. */
  readonly port: number
  /** Everything the server writes goes here. */
  readonly dataDir: string
  readonly say: (line: string) => void
  /** Default 1 MiB. */
  readonly maxPayloadBytes?: number
  /** Further lines for the config file, such as `authorization { … }`. */
  readonly configLines?: readonly string[]
  /** Environment variables of the process. Default: those of this one. */
  readonly environment?: NodeJS.ProcessEnv
}

export interface NatsServerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Set when the process could not be started at all. */
  readonly error?: Error
}

export interface NatsServerProcess {
  /** Such as `nats://127.0.0.1:4222`. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** The real path of its folder. */
  readonly dataDir: string
  /** What all streams together may take. */
  readonly ceilingBytes: number
  /** Lets streams take more, without a restart. */
  raiseStorage(bytes: number): void
  /** What it wrote into its log since the last time, the newest 32 KiB at most. */
  newLogText(): Promise<string>
  /** Resolves when the process is gone, for any reason. */
  readonly exited: Promise<NatsServerExit>
  /** Asks it to stop, kills it after 10 s; may be called again. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill9(): void
}

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576
/** In practice no other process takes the free port in this time; three tries make it sure. */
const FREE_PORT_TRIES = 3
const STOP_MS = 10_000

/**
 * Starts nats-server with JetStream and resolves when it answers. It has its own process group, so that Ctrl-C reaches us
 * first and the services can still drain over it. When our process exits, it is asked to stop as well; one that was left
 * over in this folder is stopped first, so hold the folder's lock.
 *
 * @throws CarillonError `PORT_IN_USE`, `NATS_SERVER_FAILED` with its last log lines, or `DATA_FOLDER_NOT_WRITABLE`.
 */
export async function startNatsServer(options: StartNatsServerOptions): Promise<NatsServerProcess> {
  const dataDir = makeDataFolder(options.dataDir)
  await stopLeftover(dataDir, options.say)
  for (let tries = 1; ; tries += 1) {
    const place = await choosePlace(options)
    try {
      return await startOn(place, { ...options, dataDir })
    } catch (error) {
      const taken = CarillonError.is(error) && error.code === 'PORT_IN_USE'
      if (!taken || options.port !== 0 || tries === FREE_PORT_TRIES) throw error
    }
  }
}

async function choosePlace({ host = DEFAULT_HOST, port }: StartNatsServerOptions): Promise<ServerPlace> {
  const free = await probePort(host, port).catch((error: Error) => {
    throw new CarillonError('NATS_SERVER_FAILED', `Nothing can listen on ${host}:${port}: ${error.message}`, {
      field: 'host',
      value: printable(host),
      hint: 'Choose an address of this machine with --host, such as 127.0.0.1, or 0.0.0.0 for all; ports below 1024 may need more rights.',
      cause: error,
    })
  })
  if (free === undefined) throw portInUse({ host, port })
  return { host, port: free }
}

async function startOn(place: ServerPlace, options: StartNatsServerOptions): Promise<NatsServerProcess> {
  const { dataDir } = options
  const files = natsServerFiles(dataDir)
  const serverName = `carillon-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`
  const { maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES, configLines = [] } = options
  let { ceilingBytes } = await storageOf(dataDir)
  const configure = () => {
    const given = { ...place, dataDir, serverName, maxPayloadBytes, maxFileStoreBytes: ceilingBytes, configLines }
    writeFileSync(files.config, natsServerConfig(given))
  }
  configure()
  const logStart = statSync(files.log, { throwIfNoEntry: false })?.size ?? 0
  const child = launch(options, files)
  const exited = exitOf(child)
  const failure = await waitUntilReady({ place, serverName, exited, log: { path: files.log, start: logStart }, say: options.say })
  if (failure !== undefined) {
    endGroup(child, 'SIGKILL')
    await exited
    throw failure
  }
  const log = { path: files.log, start: logStart }
  return {
    ...handleOf(child, exited, place),
    dataDir,
    get ceilingBytes() {
      return ceilingBytes
    },
    raiseStorage: (bytes) => {
      ceilingBytes = bytes
      configure()
      child.kill('SIGHUP')
    },
    newLogText: async () => {
      const { size = 0 } = statSync(log.path, { throwIfNoEntry: false }) ?? {}
      const text = await newLog(log)
      log.start = size
      return text
    },
  }
}

function launch({ binary, environment }: StartNatsServerOptions, files: { config: string; log: string }): ChildProcess {
  const log = openSync(files.log, 'a')
  try {
    const child = spawn(binary, ['-c', files.config], { detached: true, stdio: ['ignore', log, log], env: environment })
    endWithUs(child)
    return child
  } finally {
    closeSync(log)
  }
}

/** A binary that cannot be started counts as gone, too: waiting for the server then ends at once. */
function exitOf(child: ChildProcess): Promise<NatsServerExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.on('error', (error) => child.pid === undefined && resolve({ code: null, signal: null, error }))
  })
}

function handleOf(child: ChildProcess, exited: Promise<NatsServerExit>, { host, port }: ServerPlace) {
  const stop = async (): Promise<void> => {
    endGroup(child, 'SIGTERM')
    if (await settlesWithin(exited, STOP_MS)) return
    endGroup(child, 'SIGKILL')
    await exited
  }
  let stopped: Promise<void> | undefined
  return {
    url: `nats://${reachableHost(host).replace(/^.*:.*$/, '[$&]')}:${port}`,
    port,
    pid: child.pid as number,
    exited,
    stop: () => (stopped ??= stop()),
    kill9: () => endGroup(child, 'SIGKILL'),
  }
}
