/**
 * A MongoDB engine for tests and benchmarks.
 *
 *   node scripts/mongodb.ts start [PORT]     finds one, starts it, leaves it running; the last line is its URL
 *   node scripts/mongodb.ts kill|restart|stop [PORT]   of one that was started here; `stop` deletes its data
 */
import { setMaxListeners } from 'node:events'
import { pathToFileURL } from 'node:url'
import { killEngine, restartEngine, stopEngine } from './mongodb/engines.ts'
import { startFerretdb } from './mongodb/ferretdb.ts'
import { findDownloadedMongod } from './mongodb/memory-server.ts'
import { findMongodOnPath, startMongod } from './mongodb/mongod.ts'
import { freePort } from './mongodb/ports.ts'
import { readRecord } from './mongodb/records.ts'

type Say = (line: string) => void

/** One engine that answers now. Its processes go with `stop()`, or when this process is interrupted. */
export interface Mongodb {
  /** What it is, for people. */
  kind: string
  url: string
  /** What the tests read: the URL, and shell commands that kill -9 the engine and start it again on the same data. */
  environment: Record<string, string>
  /** Ends it and deletes its data; nothing for an engine that was given by URL. */
  stop(): Promise<void>
  /** kill -9 of every process of it. @throws for an engine that was given by URL */
  kill9(): Promise<void>
  /** Starts it again on the same data and URL. @throws for an engine that was given by URL */
  restart(): Promise<void>
}

interface Candidate {
  name: string
  start(port: number, say: Say): Promise<string>
}

/** In this order; each throws an error whose message is the reason why it cannot be had. */
const CANDIDATES: Candidate[] = [
  { name: 'mongod on PATH', start: async (port) => startMongod({ binary: await findMongodOnPath(), port }) },
  { name: 'mongodb-memory-server', start: async (port, say) => startMongod({ binary: await findDownloadedMongod(say), port }) },
  { name: 'FerretDB before DocumentDB', start: async (port, say) => startFerretdb(port, say) },
]

const DEFAULT_PORT = 27117

/**
 * Finds and starts an engine: `CARILLON_TEST_MONGODB_URL`, `mongod` on PATH, mongodb-memory-server's download, FerretDB.
 * @throws in CI (`CI=true`) instead of answering `skipped`
 */
export async function findMongodb(options: { say: Say; port?: number }): Promise<Mongodb | { skipped: string }> {
  const given = givenByUrl()
  if (given !== undefined) return given
  const found = await startAny(options.port ?? (await freePort()), options.say)
  if ('port' in found) return stopWhenInterrupted(handleOf(found))
  if (process.env['CI'] === 'true') throw new Error(`in CI a MongoDB engine must be found; ${found.skipped}`)
  return found
}

interface Started {
  kind: string
  url: string
  port: number
}

async function startAny(port: number, say: Say): Promise<Started | { skipped: string }> {
  const reasons: string[] = []
  for (const { name, start } of CANDIDATES) {
    try {
      return { kind: name, url: await start(port, say), port }
    } catch (error) {
      const reason = `${name}: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`
      say(reason)
      reasons.push(reason)
    }
  }
  return { skipped: `no MongoDB engine (set CARILLON_TEST_MONGODB_URL, or put mongod on PATH) · ${reasons.join(' · ')}` }
}

function givenByUrl(): Mongodb | undefined {
  const url = process.env['CARILLON_TEST_MONGODB_URL']
  if (url === undefined || url === '') return undefined
  const refuse = async () => {
    throw new Error('an engine given by CARILLON_TEST_MONGODB_URL is not ours to kill')
  }
  return { kind: 'CARILLON_TEST_MONGODB_URL', url, environment: {}, stop: async () => undefined, kill9: refuse, restart: refuse }
}

function handleOf({ kind, url, port }: Started): Mongodb {
  const command = (verb: string) => `"${process.execPath}" "${import.meta.filename}" ${verb} ${port}`
  return {
    kind,
    url,
    environment: {
      CARILLON_TEST_MONGODB_URL: url,
      CARILLON_TEST_MONGODB_KILL: command('kill'),
      CARILLON_TEST_MONGODB_RESTART: command('restart'),
    },
    stop: () => stopEngine(port),
    kill9: () => killEngine(port),
    restart: async () => void (await restartEngine(port)),
  }
}

function stopWhenInterrupted(engine: Mongodb): Mongodb {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const interrupted = (signal: NodeJS.Signals) => {
    void engine.stop().finally(() => process.kill(process.pid, signal))
  }
  setMaxListeners(20, process)
  for (const signal of signals) process.once(signal, interrupted)
  return {
    ...engine,
    async stop() {
      for (const signal of signals) process.off(signal, interrupted)
      await engine.stop()
    },
  }
}

async function start(port: number): Promise<string> {
  const running = readRecord(port)
  if (running !== undefined) return restartEngine(port)
  const found = await startAny(port, (line) => console.error(`mongodb: ${line}`))
  if ('skipped' in found) throw new Error(found.skipped)
  return found.url
}

async function main([verb, port = String(DEFAULT_PORT)]: string[]): Promise<void> {
  const verbs: Record<string, (port: number) => Promise<unknown>> = { start, kill: killEngine, restart: restartEngine, stop: stopEngine }
  const run = verbs[verb ?? '']
  if (run === undefined || !/^\d{1,5}$/.test(port)) throw new Error('usage: node scripts/mongodb.ts start|kill|restart|stop [PORT]')
  const answer = await run(Number(port))
  if (typeof answer === 'string') console.log(answer)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(process.argv.slice(2)).catch((error: Error) => {
    console.error(`mongodb: ${error.message}`)
    process.exitCode = 1
  })
}
