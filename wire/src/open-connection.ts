import { CarillonError } from '@carillon/contracts'
import { type Authenticator, connect, errors, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node'
import type { Clock } from './clock.ts'
import { authenticatorOf, describeLogin, tlsOptionsOf } from './login.ts'
import type { NatsAccess, NatsNames } from './settings.ts'

export interface ConnectionRequest {
  readonly access: NatsAccess
  /** Shown by the broker's own tools. */
  readonly name: string
  readonly clock: Clock
  /** Time for the first connection in ms. Default 5,000. */
  readonly timeoutMs?: number | undefined
  /** Further options of the NATS client; they win over the settings. */
  readonly more?: object | undefined
}

const CONNECT_TIMEOUT_MS = 5_000

/**
 * Connects once; from then on the client reconnects by itself, for ever, also when its credentials are refused: they may be replaced.
 * @throws CarillonError AUTH_FAILED that names the login that was tried, TLS_FAILED, NATS_UNAVAILABLE that names the address; each at once, at the
 * latest after `timeoutMs`
 */
export async function openConnection(request: ConnectionRequest): Promise<NatsConnection> {
  const { access, timeoutMs = CONNECT_TIMEOUT_MS } = request
  const opening = connect(clientOptions(request, timeoutMs))
  return new Promise((resolve, reject) => {
    let late = false
    const timer = request.clock.after(timeoutMs, () => {
      late = true
      reject(silence(access, timeoutMs))
    })
    opening.then(
      (connection) => {
        timer.cancel()
        if (late) connection.close().catch(() => undefined)
        else resolve(connection)
      },
      (error: unknown) => {
        timer.cancel()
        reject(unreachable(access, error))
      },
    )
  })
}

function clientOptions({ access, name, more }: ConnectionRequest, timeoutMs: number): NodeConnectionOptions {
  const authenticator: Authenticator | undefined = authenticatorOf(access)
  const tls = tlsOptionsOf(access)
  return {
    // A stack trace for each request that may fail takes longer than the request; who fails is named by the error.
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 500,
    reconnectJitterTLS: 1_000,
    pingInterval: 20_000,
    timeout: timeoutMs,
    ignoreAuthErrorAbort: true,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined ? {} : { tls }),
    ...more,
    servers: [...access.servers],
    name,
    reconnect: true,
    waitOnFirstConnect: false,
  }
}

/** Whether the broker refuses the login; a client that has been connected keeps trying. */
export function isAuthError(error: unknown): boolean {
  return error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError
}

/** For a person: that the broker refuses the login, which login was tried, and the broker's reason. */
export function refusalText({ login, servers }: NatsAccess, error: Error): string {
  return `The broker at ${servers.join(', ')} refuses ${describeLogin(login)}: ${error.message}`
}

function unreachable(access: NatsAccess, error: unknown): CarillonError {
  const where = access.servers.join(', ')
  const field = access.names.servers ?? 'servers'
  const cause = rootOf(error)
  if (isAuthError(cause)) {
    const hint = access.login.kind === 'none' ? loginHint(access.names) : undefined
    return new CarillonError('AUTH_FAILED', refusalText(access, cause), { field, value: where, hint, cause: error })
  }
  const why = cause.message || 'refused'
  if (isTlsError(cause))
    return new CarillonError('TLS_FAILED', `No TLS with ${where}: ${why}`, {
      field,
      value: where,
      hint: tlsHint(cause, access.names),
      cause: error,
    })
  if (HUNG_UP.test(why)) return unanswered(access, 'it hung up without a word', error)
  return new CarillonError('NATS_UNAVAILABLE', `No connection to ${where}: ${why}`, { field, value: where, cause: error })
}

const silence = (access: NatsAccess, timeoutMs: number) => unanswered(access, `no answer within ${timeoutMs} ms`)

/** Some servers wait silently, or close the connection without a reason. */
function unanswered({ servers, tls, names }: NatsAccess, why: string, cause?: unknown): CarillonError {
  const where = servers.join(', ')
  const { handshakeFirst = 'tls.handshakeFirst', cert = 'tls.cert' } = names
  const waits = [
    ...(tls?.handshakeFirst ? [] : [`one with handshake_first waits for TLS (${handshakeFirst})`]),
    `one that verifies its clients ${tls?.cert ? 'may not trust this' : 'waits for a'} certificate (${cert})`,
  ]
  const hint = ['Check the address and that nats-server runs', ...waits].join('; ')
  const field = names.servers ?? 'servers'
  return new CarillonError('NATS_UNAVAILABLE', `No connection to ${where}: ${why}`, { field, value: where, hint, cause })
}

/** The client wraps the error of the system. */
function rootOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error && error.cause.message ? error.cause : error
}

const loginHint = ({ user = 'user', token = 'token', credentials = 'credentials', nkey = 'nkey' }: NatsNames) =>
  `Log in: credentials in the address (nats://user:password@host), or ${[user, token, credentials, nkey].join(', ')}.`

/** The client's errors for a connection that ended before the server's INFO. */
const HUNG_UP = /undefined error/
const TLS_CODE = /^(ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO)/
const UNTRUSTED = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/

const codeOf = (error: Error): string => String((error as NodeJS.ErrnoException).code ?? '')
const isTlsError = (error: Error): boolean => TLS_CODE.test(codeOf(error)) || /'tls'|\btls\b.*not available/i.test(error.message)

function tlsHint(error: Error, names: NatsNames): string | undefined {
  const { ca = 'tls.ca', cert = 'tls.cert', key = 'tls.key', handshakeFirst = 'tls.handshakeFirst' } = names
  const code = codeOf(error)
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return `The key does not belong to the certificate: ${cert} and ${key}.`
  if (UNTRUSTED.test(code)) return `Give the authority that signed the broker's certificate: ${ca}.`
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE/.test(code)) return `The broker asks for a certificate: ${cert} and its key.`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO') return `Leave ${handshakeFirst} out: this server sends INFO before TLS.`
  return undefined
}
