import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, freePort, startNatsServer, type TestServer } from '@carillon/wire/testing'
import type { Cleanup } from './cleanup.ts'
import { isAlive } from './processes.ts'

/** A real nats-server on a free port and a temporary store. */
export interface TestBroker extends Pick<TestServer, 'url' | 'port' | 'signal' | 'copyStore'> {
  /** Ends it as a crash does; its store stays. */
  kill9(): Promise<void>
  /** Starts it again on the same port and store. */
  start(): Promise<void>
  /** Deletes its store; it must not run. */
  wipe(): void
  /** Removes the blocks of messages of a stream; it must not run. */
  loseBlocks(stream: string): void
  /** Names of the clients that are connected. */
  connections(): Promise<string[]>
}

export interface BrokerOptions {
  /** Default true. */
  readonly jetStream?: boolean
  /** Where it keeps its streams. Default: a temporary folder. */
  readonly folder?: string
  /** Further command line arguments. */
  readonly settings?: readonly string[]
}

/** Starts a nats-server; at its end nobody may be connected any more. It ends after everyone who uses it, also when it was started again. */
export async function startBroker(cleanup: Cleanup, options: BrokerOptions = {}): Promise<TestBroker> {
  const { settings = [], folder = cleanup.folder(), ...rest } = options
  const monitor = await freePort()
  const server = await startNatsServer({ ...rest, folder, settings: ['-m', String(monitor), ...settings] })
  cleanup.add('nats-server', () => server.stop())
  const connections = async () => {
    const answer = await fetch(`http://127.0.0.1:${monitor}/connz`)
    return ((await answer.json()) as { connections: { name?: string }[] }).connections.map(({ name }) => name ?? 'unnamed')
  }
  cleanup.add('clients of the broker', () => (isAlive(server.pid) ? noneConnected(connections) : undefined))
  return {
    ...server,
    kill9: () => server.kill(),
    start: () => server.restart(),
    wipe: () => {
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true })
    },
    loseBlocks: (stream) => {
      const blocks = join(folder, 'jetstream', '$G', 'streams', stream, 'msgs')
      for (const name of readdirSync(blocks)) if (name.endsWith('.blk')) rmSync(join(blocks, name))
    },
    connections,
  }
}

async function noneConnected(connections: () => Promise<string[]>): Promise<void> {
  let left: string[] = []
  const look = async () => {
    left = await connections()
    return left.length === 0
  }
  await eventually('nobody is connected', look, { withinMs: 5_000 }).catch((error: Error) => {
    throw new Error(`still connected to the broker: ${left.join(', ')}`, { cause: error })
  })
}
