import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real nats-server for one test, on a free port and a temporary store. */
export interface TestServer {
  readonly url: string
  readonly port: number
  /** Kill -9 and wait until it is gone; its store stays. */
  kill(): Promise<void>
  /** Start it again on the same port and store. */
  restart(): Promise<void>
  /** End it and remove its store. */
  stop(): Promise<void>
}

const READY_MS = 10_000

/** @param options `jetstream` false: without JetStream; `settings` are further command line arguments */
export async function startNatsServer(options: { jetstream?: boolean; settings?: readonly string[] } = {}): Promise<TestServer> {
  const { jetstream = true, settings = [] } = options
  const port = await freePort()
  const store = mkdtempSync(join(tmpdir(), 'carillon-sdk-nats-'))
  const args = ['-a', '127.0.0.1', '-p', String(port), ...(jetstream ? ['-js', '-sd', store] : []), ...settings]
  let child = await launch(args)
  // A test that times out never comes to `stop`.
  const killAtExit = () => child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    kill: () => kill('SIGKILL'),
    restart: async () => {
      child = await launch(args)
    },
    stop: async () => {
      await kill('SIGKILL')
      process.off('exit', killAtExit)
      rmSync(store, { recursive: true, force: true })
    },
  }
}

/** Where the binary is: `CARILLON_NATS_SERVER`, else in Carillon's cache. */
function findBinary(): string {
  const named = process.env['CARILLON_NATS_SERVER']
  if (named) return named
  const cache = join(homedir(), '.cache', 'carillon', 'nats-server')
  const versions = existsSync(cache) ? readdirSync(cache).sort().reverse() : []
  const found = versions.map((version) => join(cache, version, 'nats-server')).find((path) => existsSync(path))
  if (found === undefined) throw new Error('No nats-server for the tests: set CARILLON_NATS_SERVER, or run `npm test` once')
  return found
}

function launch(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(findBinary(), args, { stdio: ['ignore', 'ignore', 'pipe'] })
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => reject(new Error(`nats-server was not ready in time: ${output}`)), READY_MS)
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (!output.includes('Server is ready')) return
      clearTimeout(timer)
      // Keep reading, so that the pipe never fills, but hold no test process open for it.
      child.stderr?.removeAllListeners('data').resume()
      resolve(child)
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`nats-server ended with ${code}: ${output}`))
    })
  })
}

/** A port that nobody uses right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
