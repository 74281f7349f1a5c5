import { CarillonError, printable } from '@carillon/contracts'
import { type Address, DEFAULT_SERVER, maskAddresses, parseAddress } from './address.ts'
import type { Login, NatsAccess, NatsField, NatsNames, NatsSettings, Secret, TlsSettings } from './settings.ts'

const ADDRESS_HINT = `Use an address such as ${DEFAULT_SERVER}; the scheme is nats or tls, several are a list or separated by commas.`
const PEM = /-----BEGIN /
const SEED = /^SU[A-Z2-7]{56}$/

type Fail = (field: NatsField, problem: string, more?: { value?: string; hint?: string }) => CarillonError

/**
 * Checks the settings and takes the address apart; reads no file.
 * @throws CarillonError INVALID_REQUEST, or INVALID_CONFIG where the name is one of the environment; it shows no secret
 */
export function checkNatsSettings(settings: NatsSettings): NatsAccess {
  const { settingNames: names = {} } = settings
  const fail: Fail = (field, problem, more = {}) => {
    const name = names[field] ?? field
    return new CarillonError(name.startsWith('CARILLON_') ? 'INVALID_CONFIG' : 'INVALID_REQUEST', `${name} ${problem}`, {
      field: name,
      ...more,
    })
  }
  const addresses = checkAddresses(settings.servers, fail)
  const login = explicitLogin(settings, { names, fail }) ?? loginOfAddresses(addresses, { names, fail })
  const isEncrypted = addresses.some((address) => address.isEncrypted)
  return { servers: addresses.map(({ server }) => server), login, tls: checkTls(settings.tls, { isEncrypted, fail }), names }
}

function checkAddresses(servers: string | readonly string[] | undefined = DEFAULT_SERVER, fail: Fail): Address[] {
  const wrong = (server: unknown) => {
    const value = printable(typeof server === 'string' ? maskAddresses(server) : server)
    return fail('servers', `is wrong: ${value}`, { value, hint: ADDRESS_HINT })
  }
  const given: unknown[] = typeof servers === 'string' ? servers.split(',') : Array.isArray(servers) ? servers : [servers]
  if (given.length === 0) throw wrong([])
  return given.map((server) => {
    const address = typeof server === 'string' ? parseAddress(server) : undefined
    // A comma in a password cuts it in two: then the whole is masked, not its parts.
    if (address === undefined) throw wrong(typeof servers === 'string' && servers.includes('@') ? servers : server)
    return address
  })
}

interface Checking {
  readonly names: NatsNames
  readonly fail: Fail
}

/** The login that is set beside the address: one way at most. */
function explicitLogin(settings: NatsSettings, { names, fail }: Checking): Login | undefined {
  for (const field of ['user', 'password', 'passwordFile', 'token', 'tokenFile', 'credentials', 'nkey', 'nkeyFile'] as const) {
    const value: unknown = settings[field]
    if (value !== undefined && typeof value !== 'string') throw fail(field, `is not text but ${typeof value}`)
    if (value === '' && field !== 'password') throw fail(field, 'is empty')
  }
  const nameOf = (field: NatsField) => names[field] ?? field
  const secret = (value: 'password' | 'token' | 'nkey', file: 'passwordFile' | 'tokenFile' | 'nkeyFile'): Secret | undefined => {
    const { [value]: text, [file]: path } = settings
    if (text !== undefined && path !== undefined) throw fail(file, `is given beside ${nameOf(value)}: use one of them`)
    if (text !== undefined) return { value: text }
    return path === undefined ? undefined : { file: path }
  }
  const { user, credentials } = settings
  const password = secret('password', 'passwordFile')
  const token = secret('token', 'tokenFile')
  const seed = secret('nkey', 'nkeyFile')
  if (user !== undefined && password === undefined)
    throw fail('user', 'is given without a password', { hint: `Set ${nameOf('password')} or ${nameOf('passwordFile')}.` })
  if (password !== undefined && user === undefined) throw fail('password', 'is given without a user', { hint: `Set ${nameOf('user')}.` })
  const logins: (readonly [NatsField, Login])[] = []
  if (user !== undefined && password !== undefined) logins.push(['user', { kind: 'password', user, password, from: nameOf('user') }])
  if (token !== undefined) logins.push(['token', { kind: 'token', token, from: nameOf('token') }])
  if (credentials !== undefined) {
    logins.push([
      'credentials',
      { kind: 'credentials', credentials: PEM.test(credentials) ? { value: credentials } : { file: credentials } },
    ])
  }
  if (seed !== undefined) {
    if ('value' in seed && !SEED.test(seed.value))
      throw fail('nkey', 'is not the seed of a user', { hint: 'A seed is 58 letters and digits that begin with SU.' })
    logins.push(['nkey', { kind: 'nkey', seed }])
  }
  const [first, second] = logins
  if (first && second) throw fail(second[0], `is given beside ${nameOf(first[0])}: there is one way to log in`)
  return first?.[1]
}

function loginOfAddresses(addresses: readonly Address[], { names, fail }: Checking): Login {
  const logins = addresses.flatMap(({ user, password, token }): Login[] => {
    const from = names.servers ?? 'servers'
    if (token !== undefined) return [{ kind: 'token', token: { value: token }, from }]
    return user === undefined ? [] : [{ kind: 'password', user, password: { value: password ?? '' }, from }]
  })
  const [first = { kind: 'none' } as const, ...others] = logins
  // One cluster knows its users everywhere, and the client logs in at each of its servers in the same way.
  if (others.some((other) => JSON.stringify(other) !== JSON.stringify(first)))
    throw fail('servers', 'has different credentials in its addresses', { hint: 'Write the same ones in each, or in one of them only.' })
  return first
}

function checkTls(given: unknown, { isEncrypted, fail }: { isEncrypted: boolean; fail: Fail }): TlsSettings | undefined {
  if (given === undefined || given === true) return given === true || isEncrypted ? {} : undefined
  if (given === false) {
    if (isEncrypted) throw fail('tls', 'is false, and an address says tls://')
    return undefined
  }
  if (typeof given !== 'object' || given === null)
    throw fail('tls', `is wrong: ${printable(given)}`, { hint: 'true, or { ca, cert, key, handshakeFirst }' })
  const { ca, cert, key, handshakeFirst } = given as TlsSettings
  for (const [field, value] of Object.entries({ ca, cert, key }) as ['ca' | 'cert' | 'key', unknown][])
    if (value !== undefined && (typeof value !== 'string' || value === '')) throw fail(field, 'is neither a path nor PEM text')
  if (cert !== undefined && key === undefined) throw fail('cert', 'is given without its key')
  if (key !== undefined && cert === undefined) throw fail('key', 'is given without its certificate')
  if (handshakeFirst !== undefined && typeof handshakeFirst !== 'boolean')
    throw fail('handshakeFirst', `is wrong: ${printable(handshakeFirst)}`)
  return { ca, cert, key, handshakeFirst }
}
