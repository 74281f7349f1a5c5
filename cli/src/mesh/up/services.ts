import { startCoordinator } from '@carillon/coordinator'
import { startGateway } from '@carillon/gateway'
import { startLogger } from '@carillon/logger'
import { startRegistry } from '@carillon/registry'
import { createLogger, type Running, readConfig, startTelemetry } from '@carillon/runtime'
import { openStore, type Store } from '@carillon/store'
import {
  alertSettingsOf,
  auditSettingsOf,
  coordinatorSettingsOf,
  httpSettingsOf,
  metricsSettingsOf,
  providerSettingsOf,
  queueRetentionOf,
} from '../service-settings.ts'
import type { LogFile } from './log-file.ts'

export interface ServicesOptions {
  readonly natsUrl: string
  readonly store: Store
  readonly log: LogFile
  readonly http: { readonly host: string; readonly port: number }
  readonly environment: Readonly<Record<string, string | undefined>>
}

export { openStore, startTelemetry }

/** Where metrics are served: an option of the command line wins over the settings. */
export function metricsOf(environment: Readonly<Record<string, string | undefined>>, port: number | undefined) {
  const settings = metricsSettingsOf(readConfig(environment))
  return port === undefined ? settings : { ...settings, port }
}

export interface StartedServices extends Running {
  /** Of the gateway. */
  readonly httpUrl: string
  /** By which someone becomes the admin; undefined: somebody is. */
  readonly firstLink: string | undefined
}

/** Starts registry, coordinator, logger and gateway in this process. They meet over the broker only, as everywhere. */
export async function startServices({ natsUrl, store, log, http, environment }: ServicesOptions): Promise<StartedServices> {
  const config = readConfig(environment)
  const provider = providerSettingsOf(config)
  const settings = (name: string) => ({
    nats: { servers: natsUrl },
    log: createLogger({ name, level: config.CARILLON_LOG_LEVEL, destination: log }),
  })
  let httpUrl = ''
  let firstLink: string | undefined
  const onListening = (url: string) => {
    httpUrl = url
  }
  const showFirstLink = (url: string) => {
    firstLink = url
  }
  const starting = [
    startRegistry({ ...settings('registry'), ...queueRetentionOf(config) }),
    startCoordinator({ ...settings('coordinator'), store, ...coordinatorSettingsOf(config) }),
    startLogger({
      ...settings('logger'),
      store,
      retentionDays: config.CARILLON_LOG_RETENTION_DAYS,
      linesPerRun: config.CARILLON_LOG_LINES_PER_RUN,
    }),
    startGateway({
      ...settings('gateway'),
      store,
      alerts: alertSettingsOf(config),
      audit: auditSettingsOf(config),
      http: { ...httpSettingsOf(config), ...http, onListening },
      access: { showFirstLink, provider },
    }),
  ]
  const outcomes = await Promise.allSettled(starting)
  const running = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => {
    for (const service of running.reverse()) await service.stop()
  }
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure === undefined) return { stop, httpUrl, firstLink }
  await stop()
  throw failure.reason
}
