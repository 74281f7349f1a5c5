import { randomBytes } from 'node:crypto'
import { type CoordinatorOptions, startCoordinator } from '@carillon/coordinator'
import { type GatewayOptions, startGateway } from '@carillon/gateway'
import { type LoggerOptions, startLogger } from '@carillon/logger'
import { startRegistry } from '@carillon/registry'
import { type Clock, createLogger, type Logger, type Running } from '@carillon/runtime'
import { type ConnectOptions, connect, type Mesh } from '@carillon/sdk'
import { openStore, type Store } from '@carillon/store'
import { connect as connectNats, type NatsConnection } from '@nats-io/transport-node'
import { type BrokerOptions, startBroker, type TestBroker } from './broker.ts'
import type { Cleanup } from './cleanup.ts'
import { HttpAccounts } from './http-accounts.ts'
import type { TestStore } from './stores.ts'

export interface TestMeshOptions {
  readonly store: TestStore
  /** Default 1. */
  readonly coordinators?: number
  readonly broker?: BrokerOptions
  /** Wraps the store that coordinators get. */
  readonly wrapStore?: (store: Store) => Store
  /** Default 0. */
  readonly gateways?: number
  /** Of each gateway. */
  readonly http?: Partial<GatewayOptions['http']>
  /** Of identities, by which people may sign in at the gateways. */
  readonly provider?: GatewayOptions['access']['provider']
  /** How long coordinators keep what has ended. */
  readonly retention?: CoordinatorOptions['retention']
  /** And loggers the lines. */
  readonly lines?: Pick<LoggerOptions, 'retentionDays' | 'trimEveryMs'>
  /** How long all slots are held by stuck handlers until an instance is hung. */
  readonly hungAfterMs?: number
  /** The least time that nothing comes of the tasks of an instance until it is hung. */
  readonly idleHungAfterMs?: number
}

/** A whole mesh in this process over a real nats-server. */
export interface TestMesh {
  readonly broker: TestBroker
  readonly storeUrl: string
  /** To read records. */
  readonly store: Store
  readonly log: Logger
  /** Coordinators that run, in the order of their start. */
  readonly coordinators: Running[]
  /** Of its gateways. */
  readonly accounts: HttpAccounts
  /** Where the gateways are reached, in the order of their start. */
  readonly httpUrls: string[]
  addGateway(): Promise<Running>
  addCoordinator(options?: { clock?: Clock }): Promise<Running>
  stopCoordinator(coordinator: Running): Promise<void>
  restartRegistry(): Promise<void>
  /** A process's place in the mesh, in a namespace of its own unless told otherwise. Ends with the test. */
  connect(options?: Partial<ConnectOptions>): Promise<Mesh>
  /** A plain connection to the broker. */
  nats(): Promise<NatsConnection>
}

/** Services write what is wrong to stderr with `CARILLON_TEST_LOG=warn` (or another level). */
export const quietLog = createLogger({
  name: 'test',
  level: process.env['CARILLON_TEST_LOG'] ?? 'silent',
  destination: process.stderr,
})

/** How gateways of tests are reached: on any free port, with limits that no test meets by chance. */
const HTTP: GatewayOptions['http'] = {
  host: '127.0.0.1',
  port: 0,
  origin: undefined,
  corsOrigins: [],
  proxies: [],
  maxConnections: 2_000,
  requestsPerSecond: 100_000,
  anonymousRequestsPerSecond: 100_000,
  consoleFolder: undefined,
  traceUrl: undefined,
}

/** A namespace that no other test uses. */
export const freshNamespace = () => `test-${randomBytes(6).toString('hex')}`

export async function startMesh(cleanup: Cleanup, options: TestMeshOptions): Promise<TestMesh> {
  const storeUrl = options.store.fresh(cleanup)
  const broker = await startBroker(cleanup, options.broker)
  const store = await openStore(storeUrl)
  cleanup.add('store', () => store.close())
  const settings = { nats: { servers: broker.url }, log: quietLog }
  const coordinators: Running[] = []
  const addCoordinator = async ({ clock }: { clock?: Clock } = {}) => {
    const { wrapStore, retention = {}, idleHungAfterMs: hungAfterMs } = options
    const more = { ...(clock ? { clock } : {}), ...(hungAfterMs === undefined ? {} : { hungAfterMs }) }
    const coordinator = await startCoordinator({ ...settings, store: wrapStore?.(store) ?? store, retention, ...more })
    coordinators.push(coordinator)
    return coordinator
  }
  const stopCoordinator = async (coordinator: Running) => {
    coordinators.splice(coordinators.indexOf(coordinator), 1)
    await coordinator.stop()
  }
  cleanup.add('coordinators', async () => {
    for (const coordinator of [...coordinators]) await stopCoordinator(coordinator)
  })
  const registry = options.hungAfterMs === undefined ? {} : { hungAfterMs: options.hungAfterMs }
  const kept = async (name: string, starting: Promise<Running>) => {
    const service = await starting
    cleanup.add(name, () => service.stop())
    return service
  }
  const addRegistry = () => kept('registry', startRegistry({ ...settings, ...registry }))
  let [keptRegistry] = await Promise.all([addRegistry(), kept('logger', startLogger({ ...settings, store, ...options.lines }))])
  const restartRegistry = async () => {
    await keptRegistry.stop()
    keptRegistry = await addRegistry()
  }
  for (let i = 0; i < (options.coordinators ?? 1); i++) await addCoordinator()
  const httpUrls: string[] = []
  const firstLinks: string[] = []
  const accounts = new HttpAccounts({ url: () => httpUrls[0] ?? '', firstLink: () => firstLinks[0] ?? '' })
  const addGateway = async () => {
    const onListening = (url: string) => void httpUrls.push(url)
    const access = { showFirstLink: (url: string) => void firstLinks.push(url), provider: options.provider }
    const gateway = startGateway({
      ...settings,
      store,
      alerts: { privateTargets: '127.0.0.1' },
      audit: { retentionMs: 86_400_000 },
      http: { ...HTTP, ...options.http, onListening },
      access,
    })
    return kept('gateway', gateway)
  }
  for (let i = 0; i < (options.gateways ?? 0); i++) await addGateway()
  return {
    ...{
      broker,
      storeUrl,
      store,
      log: quietLog,
      coordinators,
      httpUrls,
      accounts,
      addGateway,
      addCoordinator,
      stopCoordinator,
      restartRegistry,
    },
    connect: (given) => connectTo(cleanup, broker.url, given),
    nats: () => connectPlain(cleanup, broker.url),
  }
}

/** A client of a mesh; it ends before the mesh does. */
export async function connectTo(cleanup: Cleanup, url: string, options: Partial<ConnectOptions> = {}): Promise<Mesh> {
  const mesh = await connect({
    servers: url,
    service: 'test',
    namespace: freshNamespace(),
    signals: false,
    drainMs: 1_000,
    onWarning: () => undefined,
    ...options,
  })
  cleanup.add(`mesh ${mesh.instance}`, () => mesh.stop())
  return mesh
}

export async function connectPlain(cleanup: Cleanup, url: string): Promise<NatsConnection> {
  const connection = await connectNats({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100 })
  cleanup.add('plain connection', () => connection.close())
  return connection
}
