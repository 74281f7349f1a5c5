import { consoleFolder } from '@carillon/console'
import type { CoordinatorOptions } from '@carillon/coordinator'
import type { GatewayOptions } from '@carillon/gateway'
import type { Config } from '@carillon/runtime'

const [DAY_MS, HOUR_MS, SECOND_MS] = [86_400_000, 3_600_000, 1_000]

/** How long coordinators keep what has ended, from the settings. */
function retentionOf(config: Config): NonNullable<CoordinatorOptions['retention']> {
  return {
    keepPerJob: config.CARILLON_RUNS_KEPT_PER_JOB,
    runMs: config.CARILLON_RUN_RETENTION_DAYS * DAY_MS,
    keyMs: config.CARILLON_KEY_RETENTION_DAYS * DAY_MS,
    idMs: config.CARILLON_ID_RETENTION_DAYS * DAY_MS,
  }
}

/** What coordinators do otherwise than by default, from the settings. */
export const coordinatorSettingsOf = (config: Config): Pick<CoordinatorOptions, 'retention' | 'hungAfterMs'> => ({
  retention: retentionOf(config),
  hungAfterMs: config.CARILLON_HUNG_AFTER_SECONDS * SECOND_MS,
})

/** How long the registry keeps queues of handlers that are not offered, from the settings. */
export function queueRetentionOf(config: Config): { handlerIdleMs: number } {
  return { handlerIdleMs: config.CARILLON_HANDLER_RETENTION_HOURS * HOUR_MS }
}

/** Where metrics are served, from the settings. */
export const metricsSettingsOf = (config: Config): { readonly host: string; readonly port: number | undefined } => ({
  host: config.CARILLON_METRICS_HOST,
  port: config.CARILLON_METRICS_PORT === '' ? undefined : config.CARILLON_METRICS_PORT,
})

/** How long gateways keep the audit log, from the settings. */
export const auditSettingsOf = (config: Config) => ({ retentionMs: config.CARILLON_AUDIT_RETENTION_DAYS * DAY_MS })

/** To which networks alerts may be sent, from the settings. */
export const alertSettingsOf = (config: Config) => ({ privateTargets: config.CARILLON_ALERT_PRIVATE_TARGETS })

/** How a gateway is reached, from the settings. */
export const httpSettingsOf = (config: Config): Omit<GatewayOptions['http'], 'onListening'> => ({
  host: config.CARILLON_HTTP_HOST,
  port: config.CARILLON_HTTP_PORT,
  origin: config.CARILLON_HTTP_ORIGIN === '' ? undefined : new URL(config.CARILLON_HTTP_ORIGIN).origin,
  corsOrigins: config.CARILLON_HTTP_CORS,
  proxies: config.CARILLON_HTTP_PROXIES,
  maxConnections: config.CARILLON_HTTP_CONNECTIONS,
  requestsPerSecond: config.CARILLON_HTTP_RATE,
  anonymousRequestsPerSecond: config.CARILLON_HTTP_ANONYMOUS_RATE,
  traceUrl: config.CARILLON_TRACE_URL === '' ? undefined : config.CARILLON_TRACE_URL,
  consoleFolder: config.CARILLON_CONSOLE_FOLDER === '' ? consoleFolder : config.CARILLON_CONSOLE_FOLDER,
})
