import { consoleFolder } from '@carillon/console'
import { CarillonError } from '@carillon/contracts'
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

type Provider = NonNullable<GatewayOptions['access']['provider']>

/** The provider of identities, from the settings; undefined: people sign in by password only. @throws CarillonError INVALID_CONFIG */
export function providerSettingsOf(config: Config): Provider | undefined {
  const { CARILLON_OIDC_ISSUER: issuer, CARILLON_OIDC_CLIENT_ID: clientId, CARILLON_OIDC_CLIENT_SECRET: secret } = config
  if (issuer === '' && clientId === '' && secret === '') return undefined
  if (issuer === '') throw missing('CARILLON_OIDC_ISSUER', 'CARILLON_OIDC_CLIENT_ID or its secret is set')
  if (clientId === '') throw missing('CARILLON_OIDC_CLIENT_ID', 'CARILLON_OIDC_ISSUER is set')
  const { CARILLON_OIDC_ROLES: roles, CARILLON_OIDC_DEFAULT_ROLE: defaultRole } = config
  if (roles.length === 0 && defaultRole === undefined)
    throw missing('CARILLON_OIDC_ROLES', 'CARILLON_OIDC_ISSUER is set, and so is no CARILLON_OIDC_DEFAULT_ROLE: nobody could sign in')
  return {
    ...{ issuer, clientId, roles, defaultRole },
    clientSecret: secret === '' ? undefined : secret,
    name: config.CARILLON_OIDC_NAME === '' ? new URL(issuer).host : config.CARILLON_OIDC_NAME,
    scopes: config.CARILLON_OIDC_SCOPES,
    claim: config.CARILLON_OIDC_CLAIM,
    sessionMs: config.CARILLON_OIDC_SESSION_HOURS * HOUR_MS,
  }
}

const missing = (field: string, why: string) => new CarillonError('INVALID_CONFIG', `${field} is missing: ${why}`, { field })
