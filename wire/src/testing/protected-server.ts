import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import type { NatsSettings } from '../settings.ts'
import { makeCertificates } from './certificates.ts'
import { startNatsServer, type TestServer } from './nats-server.ts'
import { createOperator } from './operator.ts'

export const PROTECTIONS = ['password', 'token', 'nkey', 'credentials', 'tls', 'mutual-tls', 'tls-first'] as const
export type Protection = (typeof PROTECTIONS)[number]

/** A server that requires a login, and the logins that it accepts. */
export interface ProtectedServer {
  readonly server: TestServer
  /** Each is let in; the first one as settings of the SDK, with secrets as values. */
  readonly right: readonly NatsSettings[]
  /** The same as variables of the environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Each is refused. */
  readonly wrong: readonly NatsSettings[]
  /** Must be in no output. */
  readonly secrets: readonly string[]
  stop(): Promise<void>
}

type Setup = Omit<ProtectedServer, 'server' | 'stop'> & { readonly config: string }

/** Needs openssl for the kinds with TLS. */
export async function startProtectedServer(protection: Protection): Promise<ProtectedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-protected-'))
  const { config, ...setup } = SETUPS[protection]((name, text) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }, folder)
  writeFileSync(join(folder, 'nats.conf'), config)
  const server = await startNatsServer({ settings: ['-c', join(folder, 'nats.conf')] })
  const at = (settings: NatsSettings): NatsSettings => ({ ...settings, servers: settings.servers ?? server.url })
  const host = server.url.replace('nats://', '')
  const inAddress = (settings: NatsSettings) =>
    typeof settings.servers === 'string' ? { ...settings, servers: settings.servers.replace('HOST', host) } : at(settings)
  const { CARILLON_NATS_URL: url = server.url, ...environment } = setup.environment
  return {
    ...setup,
    server,
    right: setup.right.map(inAddress),
    wrong: setup.wrong.map(inAddress),
    environment: { ...environment, CARILLON_NATS_URL: url.replace('HOST', host) },
    stop: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Write = (name: string, text: string) => string

const PASSWORD = 'geh@im/%, x'
const SETUPS: Record<Protection, (write: Write, folder: string) => Setup> = {
  password: (write) => ({
    config: `authorization { user: ada, password: "${PASSWORD}" }`,
    right: [
      { user: 'ada', password: PASSWORD },
      { user: 'ada', passwordFile: write('password', `${PASSWORD}\n`) },
      { servers: `nats://ada:${encodeURIComponent(PASSWORD)}@HOST` },
    ],
    environment: { CARILLON_NATS_URL: `nats://ada:${encodeURIComponent(PASSWORD)}@HOST` },
    wrong: [{}, { user: 'ada', password: 'geheim-2' }, { token: 'geheim-2' }, { servers: 'nats://ada:geheim-2@HOST' }],
    secrets: ['geh@im', encodeURIComponent(PASSWORD), 'geheim-2'],
  }),
  token: (write) => ({
    config: 'authorization { token: geheim-1 }',
    right: [{ token: 'geheim-1' }, { tokenFile: write('token', 'geheim-1\n') }, { servers: 'nats://geheim-1@HOST' }],
    environment: { CARILLON_NATS_TOKEN_FILE: write('token', 'geheim-1\n') },
    wrong: [{}, { token: 'geheim-2' }, { servers: 'nats://geheim-2@HOST' }],
    secrets: ['geheim'],
  }),
  nkey: (write) => {
    const [user, other] = [nkeys.createUser(), nkeys.createUser()].map((pair) => ({
      public: pair.getPublicKey(),
      seed: new TextDecoder().decode(pair.getSeed()),
    })) as [Pair, Pair]
    return {
      config: `authorization { users: [ { nkey: ${user.public} } ] }`,
      right: [{ nkey: user.seed }, { nkeyFile: write('user.nk', `${user.seed}\n`) }],
      environment: { CARILLON_NATS_NKEY: user.seed },
      wrong: [{}, { nkey: other.seed }],
      secrets: [user.seed, other.seed],
    }
  },
  credentials: (write) => {
    const nowS = Math.floor(Date.now() / 1_000)
    const [operator, other] = [createOperator(nowS), createOperator(nowS)]
    const [good, foreign] = [operator.credentials(), other.credentials()]
    const seeds = [good, foreign].map((text) => /SU[A-Z2-7]{56}/.exec(text)?.[0] ?? '')
    return {
      config: operator.config,
      right: [{ credentials: good }, { credentials: write('user.creds', good) }],
      environment: { CARILLON_NATS_CREDS: write('user.creds', good) },
      wrong: [{}, { credentials: foreign }, { credentials: operator.credentials({ expiresAtS: nowS - 60 }) }],
      secrets: seeds,
    }
  },
  tls: (_write, folder) => {
    const { ca, server } = makeCertificates(folder)
    return {
      config: `tls { cert_file: "${server.cert}", key_file: "${server.key}" }`,
      right: [{ tls: { ca } }, { servers: 'tls://HOST', tls: { ca } }],
      environment: { CARILLON_NATS_CA: ca },
      wrong: [{}, { tls: true }],
      secrets: [],
    }
  },
  'mutual-tls': (_write, folder) => {
    const { ca, server, client } = makeCertificates(folder)
    return {
      config: `tls { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca}", verify: true }`,
      right: [{ tls: { ca, ...client } }],
      environment: { CARILLON_NATS_CA: ca, CARILLON_NATS_CERT: client.cert, CARILLON_NATS_KEY: client.key },
      wrong: [{ tls: { ca } }],
      secrets: [],
    }
  },
  'tls-first': (_write, folder) => {
    const { ca, server } = makeCertificates(folder)
    return {
      config: `tls { cert_file: "${server.cert}", key_file: "${server.key}", handshake_first: true }`,
      right: [{ tls: { ca, handshakeFirst: true } }],
      environment: { CARILLON_NATS_CA: ca, CARILLON_NATS_TLS_FIRST: 'true' },
      wrong: [{ tls: { handshakeFirst: true } }],
      secrets: [],
    }
  },
}

interface Pair {
  readonly public: string
  readonly seed: string
}
