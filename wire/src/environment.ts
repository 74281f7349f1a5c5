import { CarillonError } from '@carillon/contracts'
import { readSecretFile } from './login.ts'
import type { NatsField, NatsNames, NatsSettings, TlsSettings } from './settings.ts'

interface Variable {
  readonly field: NatsField
  readonly meaning: string
}

/** Variables of every process that connects; docs/CONFIG.md is generated from this table. */
export const NATS_VARIABLES = {
  CARILLON_NATS_URL: { field: 'servers', meaning: 'Address of the broker, with credentials if need be; several are separated by commas' },
  CARILLON_NATS_USER: { field: 'user', meaning: 'User name' },
  CARILLON_NATS_PASSWORD: { field: 'password', meaning: 'Password of that user' },
  CARILLON_NATS_PASSWORD_FILE: { field: 'passwordFile', meaning: 'File that holds the password' },
  CARILLON_NATS_TOKEN: { field: 'token', meaning: 'Token' },
  CARILLON_NATS_TOKEN_FILE: { field: 'tokenFile', meaning: 'File that holds the token' },
  CARILLON_NATS_CREDS: { field: 'credentials', meaning: 'Credentials file (`.creds`: JWT and seed)' },
  CARILLON_NATS_NKEY: { field: 'nkey', meaning: 'Seed of an NKey' },
  CARILLON_NATS_NKEY_FILE: { field: 'nkeyFile', meaning: 'File that holds the seed' },
  CARILLON_NATS_CA: { field: 'ca', meaning: 'File of the authorities that the certificate of the broker is checked against (PEM)' },
  CARILLON_NATS_CERT: { field: 'cert', meaning: 'File of the certificate that this process shows (PEM)' },
  CARILLON_NATS_KEY: { field: 'key', meaning: 'File of its key (PEM)' },
  CARILLON_NATS_TLS: {
    field: 'tls',
    meaning: '`true`: refuse a connection that is not encrypted. So does `tls://`, and any other variable of TLS',
  },
  CARILLON_NATS_TLS_FIRST: {
    field: 'handshakeFirst',
    meaning: '`true`: TLS before the first byte of NATS, for servers with `handshake_first`',
  },
} as const satisfies Record<string, Variable>

type Environment = Readonly<Record<string, string | undefined>>

/** The names that errors use for fields that come from the environment. */
const ENVIRONMENT_NAMES: NatsNames = Object.fromEntries(Object.entries(NATS_VARIABLES).map(([name, { field }]) => [field, name]))

/**
 * The settings that the environment holds, as fields for `connect`; an empty variable is one that is not set. Reads the file of
 * `CARILLON_NATS_URL_FILE` and no other.
 * @throws CarillonError INVALID_CONFIG that names the variable
 */
export function natsSettingsFrom(environment: Environment): NatsSettings {
  const given: Partial<Record<NatsField, string>> = {}
  for (const [name, { field }] of Object.entries(NATS_VARIABLES)) if (environment[name]) given[field] = environment[name]
  const { tls, ca, cert, key, handshakeFirst, ...settings } = given
  const servers = fromFile(environment, 'CARILLON_NATS_URL') ?? settings.servers
  const details: TlsSettings = { ca, cert, key, handshakeFirst: flag('CARILLON_NATS_TLS_FIRST', handshakeFirst) }
  const hasDetails = Object.values(details).some((value) => value !== undefined && value !== false)
  const isWanted = flag('CARILLON_NATS_TLS', tls)
  return { ...settings, servers, tls: hasDetails && isWanted !== false ? details : isWanted, settingNames: ENVIRONMENT_NAMES }
}

/** The value of the file that `<name>_FILE` names. @throws CarillonError INVALID_CONFIG when it cannot be read, or both are set */
export function fromFile(environment: Environment, name: string): string | undefined {
  const variable = `${name}_FILE`
  const path = environment[variable]
  if (!path) return undefined
  if (environment[name])
    throw new CarillonError('INVALID_CONFIG', `${variable} is set beside ${name}: use one of them`, { field: variable })
  try {
    return readSecretFile(path)
  } catch (error) {
    throw new CarillonError('INVALID_CONFIG', `${variable} cannot be read: ${(error as Error).message}`, { field: variable, value: path })
  }
}

function flag(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  if (/^(true|1|yes)$/i.test(text)) return true
  if (/^(false|0|no)$/i.test(text)) return false
  throw new CarillonError('INVALID_CONFIG', `${name} is wrong: ${JSON.stringify(text)}`, { field: name, hint: 'true or false' })
}
