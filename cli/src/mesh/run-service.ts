import type { ServiceName } from '@carillon/contracts'
import {
  type Config,
  createLogger,
  type Logger,
  type NatsSettings,
  type Running,
  type RunningService,
  readConfig,
  runProcess,
  serveHealth,
  startTelemetry,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import {
  alertSettingsOf,
  auditSettingsOf,
  coordinatorSettingsOf,
  httpSettingsOf,
  metricsSettingsOf,
  providerSettingsOf,
  queueRetentionOf,
} from './service-settings.ts'

interface Settings {
  readonly config: Config
  readonly nats: NatsSettings
  readonly log: Logger
}

/** Runs one service in this process until a signal comes. Settings come from the environment; options of the command line win. */
export async function runService(service: ServiceName, options: { nats: NatsSettings; storeUrl: string | undefined }): Promise<void> {
  const given = options.storeUrl === undefined ? {} : { CARILLON_STORE_URL: options.storeUrl, CARILLON_STORE_URL_FILE: undefined }
  const config = readConfig({ ...process.env, ...given })
  const settings = { config, nats: options.nats, log: createLogger({ name: service, level: config.CARILLON_LOG_LEVEL }) }
  const telemetry = await startTelemetry({ service: `carillon-${service}`, environment: process.env, metrics: metricsSettingsOf(config) })
  if (telemetry.metricsUrl !== undefined) settings.log.info({ evt: 'metrics.served', url: telemetry.metricsUrl }, 'metrics are served')
  try {
    await runProcess(
      () => withHealth(settings, () => (service === 'registry' ? runRegistry(settings) : runOnStore(service, settings))),
      settings.log,
    )
    // A connection to a suspended broker would keep the process alive.
    process.exitCode ??= 0
  } finally {
    await telemetry.stop()
  }
}

const commonOf = ({ config, nats, log }: Settings) => ({
  nats,
  log,
  streamReplicas: config.CARILLON_STREAM_REPLICAS,
})

/** Beside the service, if a socket is set: the health of this process. */
async function withHealth({ config, log }: Settings, start: () => Promise<RunningService>): Promise<Running> {
  const running = await start()
  const path = config.CARILLON_HEALTH_SOCKET
  if (path === '') return running
  try {
    const health = await serveHealth(path, running, log)
    const stop = async () => {
      await health.stop()
      await running.stop()
    }
    return { stop }
  } catch (error) {
    await running.stop()
    throw error
  }
}

// Each service is loaded on use: a registry needs no store, and no process needs all.
async function runRegistry(settings: Settings): Promise<RunningService> {
  const { startRegistry } = await import('@carillon/registry')
  return await startRegistry({ ...commonOf(settings), ...queueRetentionOf(settings.config) })
}

async function runOnStore(service: Exclude<ServiceName, 'registry'>, settings: Settings): Promise<RunningService> {
  const { openStore } = await import('@carillon/store')
  const store = await openStore(settings.config.CARILLON_STORE_URL)
  try {
    const running = await ON_STORE[service](settings, store)
    const stop = async () => {
      await running.stop()
      await store.close()
    }
    return { ...running, stop }
  } catch (error) {
    await store.close()
    throw error
  }
}

const ON_STORE = { coordinator: runCoordinator, logger: runLogger, gateway: runGateway } as const

async function runCoordinator(settings: Settings, store: Store): Promise<RunningService> {
  const { startCoordinator } = await import('@carillon/coordinator')
  return await startCoordinator({ ...commonOf(settings), store, ...coordinatorSettingsOf(settings.config) })
}

async function runLogger(settings: Settings, store: Store): Promise<RunningService> {
  const { startLogger } = await import('@carillon/logger')
  const { CARILLON_LOG_RETENTION_DAYS: retentionDays, CARILLON_LOG_LINES_PER_RUN: linesPerRun } = settings.config
  return await startLogger({ ...commonOf(settings), store, retentionDays, linesPerRun })
}

async function runGateway(settings: Settings, store: Store): Promise<RunningService> {
  const { startGateway } = await import('@carillon/gateway')
  return await startGateway({
    ...commonOf(settings),
    store,
    alerts: alertSettingsOf(settings.config),
    audit: auditSettingsOf(settings.config),
    http: httpSettingsOf(settings.config),
    access: { showFirstLink, provider: providerSettingsOf(settings.config) },
  })
}

/** To the terminal alone: logs are kept, and sent on to others. */
function showFirstLink(url: string): void {
  process.stdout.write(`Nobody can sign in yet. Become the admin, once, within a day:\n  ${url}\n`)
}
