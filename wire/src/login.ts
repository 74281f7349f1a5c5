import { readFileSync } from 'node:fs'
import { CarillonError, printable } from '@carillon/contracts'
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'
import type { Login, NatsAccess, NatsField, Secret, TlsSettings } from './settings.ts'

const FIELDS = {
  password: { value: 'password', file: 'passwordFile' },
  token: { value: 'token', file: 'tokenFile' },
  credentials: { value: 'credentials', file: 'credentials' },
  nkey: { value: 'nkey', file: 'nkeyFile' },
} as const

/** A nonce as servers send it; an authenticator that can answer this one can answer any. */
const PROBE = 'nonce'

/**
 * Answers the server's challenge. Files are read again each time, so that a credential that was replaced counts from the next connection on;
 * while one cannot be used the last good one is, because what an authenticator throws would close the connection permanently.
 * @throws CarillonError that names the file or the field, when the credentials cannot be used at all
 */
export function authenticatorOf({ login, names }: NatsAccess): Authenticator | undefined {
  if (login.kind === 'none') return undefined
  const { kind } = login
  const make = (): Authenticator => {
    const fresh = readLogin(login)
    fresh(PROBE)
    return fresh
  }
  let good: Authenticator
  try {
    good = make()
  } catch (error) {
    const secret = secretOf(login)
    const field = FIELDS[kind]['file' in secret ? 'file' : 'value']
    throw unusable(names[field] ?? field, secret, error)
  }
  return (nonce) => {
    try {
      good = make()
    } catch {
      // The file is about to be replaced, or was removed: what was read last may still be good.
    }
    return good(nonce)
  }
}

/** Checks that the files of TLS can be read now; the client reads them at each connection. @throws CarillonError that names the file */
export function tlsOptionsOf({ tls, names }: NatsAccess): object | undefined {
  if (tls === undefined) return undefined
  const files = (['ca', 'cert', 'key'] as const).map((field) => tlsFile(tls, field, names[field] ?? field))
  return Object.assign({ handshakeFirst: tls.handshakeFirst === true }, ...files)
}

function tlsFile(tls: TlsSettings, field: 'ca' | 'cert' | 'key', name: string): object {
  const given = tls[field]
  if (given === undefined) return {}
  if (given.includes('-----BEGIN ')) return { [field]: given }
  try {
    if (!readFileSync(given, 'utf8').includes('-----BEGIN ')) throw new Error('it is no PEM file')
  } catch (error) {
    throw unusable(name, { file: given }, error)
  }
  return { [`${field}File`]: given }
}

/** The login that was tried, for a person: never a secret. */
export function describeLogin(login: Login): string {
  switch (login.kind) {
    case 'none':
      return 'no credentials'
    case 'password':
      return `user ${printable(login.user)} with ${sourceOf('a password', login.password, login.from)}`
    case 'token':
      return sourceOf('a token', login.token, login.from)
    case 'credentials':
      return 'file' in login.credentials ? `the credentials file ${login.credentials.file}` : 'credentials given as text'
    case 'nkey':
      return sourceOf('an NKey', login.seed, undefined)
  }
}

function sourceOf(what: string, secret: Secret, from: string | undefined): string {
  if ('file' in secret) return `${what} from the file ${secret.file}`
  return from === undefined ? what : `${what} from ${from}`
}

function readLogin(login: Exclude<Login, { kind: 'none' }>): Authenticator {
  const text = read(secretOf(login))
  switch (login.kind) {
    case 'password':
      return usernamePasswordAuthenticator(login.user, text)
    case 'token':
      return tokenAuthenticator(text)
    case 'credentials':
      // The client wants a newline after the last line, and Unix ones.
      return credsAuthenticator(new TextEncoder().encode(`${text.replaceAll('\r\n', '\n')}\n`))
    case 'nkey':
      return nkeyAuthenticator(new TextEncoder().encode(text.trim()))
  }
}

function secretOf(login: Exclude<Login, { kind: 'none' }>): Secret {
  if (login.kind === 'password') return login.password
  if (login.kind === 'token') return login.token
  return login.kind === 'credentials' ? login.credentials : login.seed
}

const read = (secret: Secret): string => ('value' in secret ? secret.value : readSecretFile(secret.file))

/** The text of a file without the newline at its end, which editors and `echo` add. */
export const readSecretFile = (path: string): string => readFileSync(path, 'utf8').replace(/\r?\n$/, '')

function unusable(name: NatsField | string, secret: Secret, error: unknown): CarillonError {
  const why = error instanceof Error ? error.message.replace(/, open '.*'$/s, '') : String(error)
  const code = name.startsWith('CARILLON_') ? 'INVALID_CONFIG' : 'INVALID_REQUEST'
  const file = 'file' in secret ? secret.file : undefined
  return new CarillonError(code, `${name} cannot be used${file === undefined ? '' : ` (${file})`}: ${why}`, { field: name, value: file })
}
