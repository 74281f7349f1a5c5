import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { cpSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real nats-server for one test file, on a port that was free and a temporary store. */
export interface TestServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** SIGKILL, and waits until it is gone; its store stays. */
  kill(): Promise<void>
  signal(name: NodeJS.Signals): void
  /** Starts it again on the same port; `wipe` removes what it had stored, `settings` are further arguments this time. */
  restart(options?: { wipe?: boolean; settings?: readonly string[] }): Promise<void>
  /** Copies its store; `putBack` has it find that copy when it is restarted. Only while it does not run. */
  copyStore(): { putBack(): void }
  /** Removes what a stream holds and leaves its consumers as they are. Only while it does not run. */
  loseMessages(stream: string): void
  /** Changes the limit of all streams, of a server that was started with one. */
  reloadWith(limits: ServerLimits): void
  /** Ends it and removes its store, unless the folder was given. */
  stop(): Promise<void>
}

export interface ServerLimits {
  /** Bytes of all streams, such as `500MB`. Default: what the disk has. */
  readonly maxFileStore: string
}

const READY_WITHIN_MS = 10_000
const PORTS_TRIED = 5
/** Below those that the system gives to outgoing connections: one of these could take the port while a server is away. */
const [FIRST_PORT, END_OF_PORTS] = [10_000, 30_000]

export interface TestServerOptions {
  /** Default true. */
  readonly jetStream?: boolean
  /** Further arguments of the command line. */
  readonly settings?: readonly string[]
  readonly limits?: ServerLimits
  /** Where it keeps its streams. Default: a temporary folder. */
  readonly folder?: string
}

export async function startNatsServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { jetStream = true, settings = [], limits, folder } = options
  const store = folder ?? mkdtempSync(join(tmpdir(), 'carillon-nats-'))
  const config = `${store}.conf`
  const configure = ({ maxFileStore }: ServerLimits) =>
    writeFileSync(config, `jetstream { store_dir: ${JSON.stringify(store)}, max_file_store: ${maxFileStore} }`)
  if (limits) configure(limits)
  const jetStreamArguments = limits ? ['-c', config] : ['-js', '-sd', store]
  const argumentsOf = (port: number) => ['-a', '127.0.0.1', '-p', String(port), ...(jetStream ? jetStreamArguments : []), ...settings]
  const started = await launchOnFreePort(argumentsOf)
  const { port } = started
  let { child } = started
  // A test that times out never comes to `stop`.
  const killAtExit = () => child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? 0
    },
    kill,
    signal: (name) => child.kill(name),
    restart: async ({ wipe = false, settings: more = [] } = {}) => {
      if (wipe) rmSync(store, { recursive: true, force: true })
      child = await launch([...argumentsOf(port), ...more])
    },
    copyStore: () => {
      const copy = `${store}/copy`
      cpSync(`${store}/jetstream`, copy, { recursive: true })
      return {
        putBack: () => {
          rmSync(`${store}/jetstream`, { recursive: true })
          cpSync(copy, `${store}/jetstream`, { recursive: true })
        },
      }
    },
    loseMessages: (stream) => rmSync(`${store}/jetstream/$G/streams/${stream}/msgs`, { recursive: true }),
    reloadWith: (changed) => {
      configure(changed)
      child.kill('SIGHUP')
    },
    stop: async () => {
      await kill()
      process.off('exit', killAtExit)
      if (folder === undefined) rmSync(store, { recursive: true, force: true })
      rmSync(config, { force: true })
    },
  }
}

/** `CARILLON_NATS_SERVER`, else the newest in Carillon's cache. */
function findBinary(): string {
  const named = process.env['CARILLON_NATS_SERVER']
  if (named) return named
  const found = globSync(join(homedir(), '.cache/carillon/nats-server/*/nats-server')).sort().at(-1)
  if (found && existsSync(found)) return found
  throw new Error('no nats-server for the tests: set CARILLON_NATS_SERVER, or run `npm test` once')
}

async function launchOnFreePort(argumentsOf: (port: number) => readonly string[]): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { child: await launch(argumentsOf(port)), port }
    } catch (error) {
      if (attempt === PORTS_TRIED) throw error
    }
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, END_OF_PORTS)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}

function launch(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(findBinary(), args, { stdio: ['ignore', 'ignore', 'pipe'] })
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => reject(new Error(`nats-server was not ready in time: ${output}`)), READY_WITHIN_MS)
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (!output.includes('Server is ready')) return
      clearTimeout(timer)
      // Read on, so that the pipe never fills.
      child.stderr.removeAllListeners('data').resume()
      resolve(child)
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`nats-server ended with ${code}: ${output}`))
    })
  })
}
