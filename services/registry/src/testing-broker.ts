import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pauseFor } from 'node:timers/promises'
import { type Broker, connectBroker, createLogger, type Logger } from '@carillon/runtime'

/** A real nats-server for one test, and a connection to it. */
export interface TestBroker extends Broker {
  readonly natsUrl: string
  /** Of what the services under test write, one object a line. */
  readonly lines: Record<string, unknown>[]
  readonly log: Logger
  /** To be done after the test, before what was registered earlier. */
  after(cleanUp: () => Promise<unknown>): void
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void>
  /** On the same port; `wipe` removes what it had stored. */
  startAgain(options: { wipe: boolean }): Promise<void>
}

export async function startBroker(t: TestContext): Promise<TestBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-test-'))
  const started = await startOnFreePort(folder)
  const { port } = started
  let { child } = started
  const natsUrl = `nats://127.0.0.1:${port}`
  const lines: Record<string, unknown>[] = []
  const log = createLogger({ name: 'test', level: 'debug', destination: { write: (line) => lines.push(JSON.parse(line)) } })
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const after = cleanUps(t)
  after(async () => {
    await kill()
    await rm(folder, { recursive: true, force: true })
  })
  const broker = await connectBroker({ natsUrl, name: 'test', log })
  after(() => broker.connection.close())
  return {
    ...broker,
    natsUrl,
    lines,
    log,
    after,
    kill,
    signal: (name) => child.kill(name),
    startAgain: async ({ wipe }) => {
      if (wipe) await rm(folder, { recursive: true, force: true })
      child = await startServer(folder, port)
    },
  }
}

/** Cleans up after a test, the newest first: services before the broker they talk to. */
function cleanUps(t: TestContext): (cleanUp: () => Promise<unknown>) => void {
  const all: (() => Promise<unknown>)[] = []
  t.after(async () => {
    const failures: unknown[] = []
    for (const cleanUp of all.reverse()) await cleanUp().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be cleaned up')
  })
  return (cleanUp) => all.push(cleanUp)
}

/** Waits until `look` answers something other than undefined or false. */
export async function eventually<T>(what: string, look: () => T | Promise<T>, withinMs = 5_000): Promise<NonNullable<T>> {
  const until = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`)
    await pauseFor(10)
  }
}

async function startServer(folder: string, port: number): Promise<ChildProcess> {
  const child = spawn(findServer(), ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`nats-server ended: ${said}`)))
    child.stderr?.on('data', (data: Buffer) => {
      said = (said + String(data)).slice(-10_000)
      if (said.includes('Server is ready')) resolve()
    })
  })
  return child
}

function findServer(): string {
  const named = process.env['CARILLON_NATS_SERVER']
  if (named) return named
  const [cached] = globSync(join(homedir(), '.cache/carillon/nats-server/*/nats-server'))
  if (cached) return cached
  throw new Error('no nats-server: name one in CARILLON_NATS_SERVER, or run `node scripts/nats-server.ts`')
}

/**
 * Starts a server on a port of its own choice, below those that the system gives to outgoing connections: one of these could take the port
 * while the server is away.
 */
async function startOnFreePort(folder: string): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = randomInt(10_000, 30_000)
    try {
      return { child: await startServer(folder, port), port }
    } catch (error) {
      if (attempt === 5) throw error
    }
  }
}
