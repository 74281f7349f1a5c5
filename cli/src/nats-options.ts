import { maskAddresses, type NatsSettings, natsSettingsFrom } from '@carillon/wire/internal'
import { type Command, Option } from 'commander'

interface NatsOptions {
  readonly nats?: string
  readonly creds?: string
  readonly nkey?: string
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsFirst?: true
}

/** The options of the broker's address and the login. Secrets are files: everyone on a machine can read its command lines. */
const OPTIONS = [
  new Option('--nats <url>', 'address of the broker (default: "nats://127.0.0.1:4222", env: CARILLON_NATS_URL)'),
  new Option('--creds <file>', 'credentials file to log in with (env: CARILLON_NATS_CREDS)'),
  new Option('--nkey <file>', 'file of an NKey seed to log in with (env: CARILLON_NATS_NKEY_FILE)').hideHelp(),
  new Option('--tls-ca <file>', 'authorities that the broker is checked against (env: CARILLON_NATS_CA)').hideHelp(),
  new Option('--tls-cert <file>', 'certificate to show (env: CARILLON_NATS_CERT)').hideHelp(),
  new Option('--tls-key <file>', 'its key (env: CARILLON_NATS_KEY)').hideHelp(),
  new Option('--tls-first', 'TLS before the first byte of NATS (env: CARILLON_NATS_TLS_FIRST)').hideHelp(),
]

/** The names that errors use for options. */
const OPTION_NAMES = {
  servers: '--nats',
  credentials: '--creds',
  nkeyFile: '--nkey',
  ca: '--tls-ca',
  cert: '--tls-cert',
  key: '--tls-key',
  handshakeFirst: '--tls-first',
} as const

export function addNatsOptions(program: Command): Command {
  for (const option of OPTIONS) program.addOption(option)
  return program
}

export const isBrokerOption = (option: Option): boolean => OPTIONS.some(({ long }) => long === option.long)

/** The settings of the environment, and over them the options. @throws CarillonError INVALID_CONFIG, INVALID_REQUEST */
export function natsSettingsOf(command: Command, environment: Readonly<Record<string, string | undefined>>): NatsSettings {
  const options = command.optsWithGlobals<NatsOptions>()
  const { nats, creds, nkey, tlsCa: ca, tlsCert: cert, tlsKey: key, tlsFirst: handshakeFirst } = options
  const hasLogin = creds !== undefined || nkey !== undefined || /@/.test(nats ?? '')
  const url = nats === undefined ? {} : { CARILLON_NATS_URL_FILE: undefined }
  const given = natsSettingsFrom({ ...environment, ...(hasLogin ? withoutLogin(environment) : {}), ...url })
  const tls = Object.fromEntries(Object.entries({ ca, cert, key, handshakeFirst }).filter(([, value]) => value !== undefined))
  const optionFields = Object.entries({ servers: nats, credentials: creds, nkeyFile: nkey, ...tls }).filter(
    ([, value]) => value !== undefined,
  )
  const names = Object.fromEntries(optionFields.map(([field]) => [field, OPTION_NAMES[field as keyof typeof OPTION_NAMES]]))
  return {
    ...given,
    ...(nats === undefined ? {} : { servers: nats }),
    ...(creds === undefined ? {} : { credentials: creds }),
    ...(nkey === undefined ? {} : { nkeyFile: nkey }),
    ...(Object.keys(tls).length === 0 ? {} : { tls: { ...(typeof given.tls === 'object' ? given.tls : {}), ...tls } }),
    settingNames: { ...given.settingNames, ...names },
  }
}

/** Login options of the command replace all login settings of the environment. */
function withoutLogin(environment: Readonly<Record<string, string | undefined>>): Record<string, undefined> {
  const names = Object.keys(environment).filter((name) => /^CARILLON_NATS_(USER|PASSWORD|TOKEN|CREDS|NKEY)(_FILE)?$/.test(name))
  return Object.fromEntries(names.map((name) => [name, undefined]))
}

/** The options as they must be repeated in a suggested command, without a password in an address. */
export function repeatedNatsOptions(command: Command): string {
  const { nats, creds, nkey, tlsCa, tlsCert, tlsKey, tlsFirst } = command.optsWithGlobals<NatsOptions>()
  const valued = { nats: nats && maskAddresses(nats), creds, nkey, 'tls-ca': tlsCa, 'tls-cert': tlsCert, 'tls-key': tlsKey }
  const words = Object.entries(valued).flatMap(([name, value]) => (value === undefined ? [] : [` --${name} ${value}`]))
  return words.join('') + (tlsFirst ? ' --tls-first' : '')
}
