import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Cleanup } from './cleanup.ts'
import { eventually } from './eventually.ts'
import { launch, type TestProcess } from './processes.ts'

/** A real nats-server on a free port and a temporary store. */
export interface TestBroker {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Ends it as a crash does; its store stays. */
  kill9(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Starts it again on the same port and store. */
  start(): Promise<void>
  /** Deletes its store; it must not run. */
  wipe(): void
  /** Copies its store; it must not run. `putBack` has it find that copy when it starts. */
  copyStore(): { putBack(): void }
  /** Removes the blocks of messages of a stream; it must not run. */
  loseBlocks(stream: string): void
  /** Names of the clients that are connected. */
  connections(): Promise<string[]>
}

export interface BrokerOptions {
  /** Default true. */
  readonly jetstream?: boolean
  /** Where it keeps its streams. Default: a temporary folder. */
  readonly folder?: string
  /** Further command line arguments. */
  readonly settings?: readonly string[]
}

/** Starts a nats-server; at its end nobody may be connected any more. */
export async function startBroker(cleanup: Cleanup, options: BrokerOptions = {}): Promise<TestBroker> {
  const { jetstream = true, settings = [], folder: store = cleanup.folder() } = options
  const [port, monitor] = [await freePort(), await freePort()]
  const args = ['-a', '127.0.0.1', '-p', String(port), '-m', String(monitor), ...(jetstream ? ['-js', '-sd', store] : []), ...settings]
  // Killed once everyone who uses it has ended, also when it was started again after them.
  const processes = cleanup.later()
  const run = async (): Promise<TestProcess> => {
    const launched = launch(processes, [findNatsServer(), ...args])
    await launched.shows(/Server is ready/)
    return launched
  }
  let server = await run()
  const connections = async () => {
    const answer = await fetch(`http://127.0.0.1:${monitor}/connz`)
    return ((await answer.json()) as { connections: { name?: string }[] }).connections.map(({ name }) => name ?? 'unnamed')
  }
  cleanup.add('clients of the broker', () => noneConnected(server, connections))
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid
    },
    kill9: async () => void (await server.kill9()),
    signal: (signal) => server.signal(signal),
    start: async () => {
      server = await run()
    },
    wipe: () => {
      for (const name of readdirSync(store)) rmSync(join(store, name), { recursive: true, force: true })
    },
    copyStore: () => {
      const copy = cleanup.folder()
      cpSync(join(store, 'jetstream'), copy, { recursive: true })
      return {
        putBack: () => {
          rmSync(join(store, 'jetstream'), { recursive: true })
          cpSync(copy, join(store, 'jetstream'), { recursive: true })
        },
      }
    },
    loseBlocks: (stream) => {
      const folder = join(store, 'jetstream', '$G', 'streams', stream, 'msgs')
      for (const name of readdirSync(folder)) if (name.endsWith('.blk')) rmSync(join(folder, name))
    },
    connections,
  }
}

async function noneConnected(server: TestProcess, connections: () => Promise<string[]>): Promise<void> {
  if (server.child.exitCode !== null || server.child.signalCode !== null) return
  let left: string[] = []
  const look = async () => {
    left = await connections()
    return left.length === 0
  }
  await eventually('nobody is connected', look, { withinMs: 5_000 }).catch((error: Error) => {
    throw new Error(`still connected to the broker: ${left.join(', ')}`, { cause: error })
  })
}

/** Where the binary is: `CARILLON_NATS_SERVER`, else in Carillon's cache. */
function findNatsServer(): string {
  const named = process.env['CARILLON_NATS_SERVER']
  if (named) return named
  const cache = join(homedir(), '.cache', 'carillon', 'nats-server')
  const versions = existsSync(cache) ? readdirSync(cache).sort().reverse() : []
  const found = versions.map((version) => join(cache, version, 'nats-server')).find((path) => existsSync(path))
  if (found === undefined) throw new Error('no nats-server for the tests: set CARILLON_NATS_SERVER, or run `npm test` once')
  return found
}

/** Below the ports that a system hands out by itself, so that it stays free while a server is down. */
const [FIRST_PORT, PORTS] = [15_000, 17_000]

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}
