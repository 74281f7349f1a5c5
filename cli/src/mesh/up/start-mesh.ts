import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { now } from '../../clock.ts'
import { lockDataFolder } from '../nats-server/data-folder-lock.ts'
import { findNatsServer } from '../nats-server/find-nats-server.ts'
import { type NatsServerProcess, startNatsServer } from '../nats-server/nats-server-process.ts'
import { brokerEnvironment } from './broker-environment.ts'
import { type DemoProcess, startDemoProcess } from './demo-process.ts'
import { LogFile } from './log-file.ts'
import type { MeshOptions } from './mesh-options.ts'
import type { Stack } from './stack.ts'
import { StorageWatch } from './storage-watch.ts'
import { type Child, Supervisor } from './supervisor.ts'

/** What runs, and where. */
export interface StartedMesh {
  readonly natsUrl: string
  readonly natsPid: number
  /** Of the console and the HTTP API. */
  readonly httpUrl: string
  /** Of metrics for Prometheus, if they are served. */
  readonly metricsUrl: string | undefined
  /** By which someone becomes the admin; undefined: somebody is. */
  readonly firstLink: string | undefined
  readonly data: string
  /** Where the records are, as text. */
  readonly store: string
  readonly logFile: string
  readonly demoPid: number | undefined
}

/** The arguments of a start. */
export interface Starting {
  /** Receives everything that runs, also when a later part does not start. */
  readonly started: Stack
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

type Broker = Child & Pick<NatsServerProcess, 'url' | 'pid' | 'port'> & { readonly server: NatsServerProcess }

/** Starts the parts; what does not need another starts beside it. */
export async function startMesh(options: MeshOptions, starting: Starting): Promise<StartedMesh> {
  const { data } = options
  const { started, say, signal } = starting
  // While nats-server is found and starts, the services' code is loaded.
  const loading = import('./services.ts')
  loading.catch(() => undefined)
  const lock = lockDataFolder(data)
  started.add('the lock of the data folder', () => lock.release())
  const log = new LogFile(join(data, 'carillon.log'), (line) => signal.aborted || say(line))
  started.add('the log file', () => log.close())
  const broker = await startBroker(options, starting)
  const { openStore, startServices, startTelemetry, metricsOf } = await loading
  const metrics = metricsOf(process.env, options.metricsPort)
  const telemetry = await startTelemetry({ service: 'carillon-up', environment: process.env, metrics })
  started.add('telemetry', () => telemetry.stop())
  const store = await openStore(options.store ?? `sqlite:${join(data, 'carillon.db')}`)
  started.add('the store', () => store.close())
  const services = await startServices({
    ...{ natsUrl: broker.url, store, log, environment: process.env },
    http: { host: options.host, port: options.httpPort },
  })
  started.add('the services', () => services.stop())
  signal.throwIfAborted()
  const demo = options.withDemo ? await startDemo({ natsUrl: broker.url, namespace: options.namespace, log }, starting) : undefined
  return {
    natsUrl: broker.url,
    natsPid: broker.pid,
    httpUrl: services.httpUrl,
    metricsUrl: telemetry.metricsUrl,
    firstLink: services.firstLink,
    data,
    store: store.describe(),
    logFile: log.path,
    demoPid: demo?.pid,
  }
}

async function startBroker({ data, host, port }: MeshOptions, { started, say, signal }: Starting): Promise<Broker> {
  const binary = await findNatsServer({ say, signal })
  let chosenPort = port
  const start = async (): Promise<Broker> => {
    const environment = brokerEnvironment(process.env, availableParallelism())
    const server = await startNatsServer({ binary, host, port: chosenPort, dataDir: join(data, 'nats'), say, environment })
    // A broker that comes back must be found where it was.
    chosenPort = server.port
    const exited = server.exited.then(({ code, signal: by, error }) => error?.message ?? (by ? `signal ${by}` : `exit code ${code}`))
    return { url: server.url, pid: server.pid, port: server.port, server, exited, stop: () => server.stop() }
  }
  const supervisor = new Supervisor({ name: 'nats-server', start, say })
  started.add('nats-server', () => supervisor.stop())
  const broker = await supervisor.start()
  const watch = new StorageWatch({ server: () => supervisor.child?.server, say })
  started.add('the watch over the disk', () => watch.stop())
  watch.start()
  return broker
}

async function startDemo(given: { natsUrl: string; namespace: string; log: LogFile }, { started, say }: Starting): Promise<DemoProcess> {
  const { natsUrl, namespace, log } = given
  const onLine = (line: string) => log.write(`${JSON.stringify({ level: 30, time: now(), name: 'demo', msg: line })}\n`)
  // The broker settings of the environment are for other brokers, not for the one that was started here.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CARILLON_NATS_')))
  const start = () => startDemoProcess({ natsUrl, namespace, environment, onLine })
  const supervisor = new Supervisor({ name: 'the demo executor', start, say })
  started.add('the demo executor', () => supervisor.stop())
  return await supervisor.start()
}
