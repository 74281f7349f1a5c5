import { nkeys } from '@nats-io/transport-node'

type KeyPair = ReturnType<typeof nkeys.createUser>

export interface Operator {
  /** Lines of the server's configuration. */
  readonly config: string
  /** A user's credentials file. */
  credentials(options?: { expiresAtS?: number }): string
}

/** An operator with one account, both made now: what `nsc` would do, for a server that trusts JWTs. */
export function createOperator(nowS: number): Operator {
  const [operator, account, system] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()]
  const sign = (issuer: KeyPair, claims: { sub: string; name: string; exp?: number; nats: object }) => {
    const body = { jti: claims.sub, iat: nowS, iss: issuer.getPublicKey(), ...claims }
    const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, body].map((part) => base64(JSON.stringify(part))).join('.')
    return `${text}.${base64(issuer.sign(Buffer.from(text)))}`
  }
  const unlimited = Object.fromEntries(
    ['subs', 'data', 'payload', 'imports', 'exports', 'conn', 'leaf', 'mem_storage', 'disk_storage', 'streams', 'consumer'].map((name) => [
      name,
      -1,
    ]),
  )
  const operatorClaims = { sub: operator.getPublicKey(), name: 'operator', nats: { type: 'operator', version: 2 } }
  const accountClaims = (pair: KeyPair, limits: object) => ({
    ...{ sub: pair.getPublicKey(), name: 'account' },
    nats: { type: 'account', version: 2, limits: { ...unlimited, wildcards: true, ...limits }, default_permissions: { pub: {}, sub: {} } },
  })
  const noJetStream = { mem_storage: 0, disk_storage: 0, streams: 0, consumer: 0 }
  return {
    config: `operator: ${sign(operator, operatorClaims)}
resolver: MEMORY
system_account: ${system.getPublicKey()}
resolver_preload: {
  ${account.getPublicKey()}: ${sign(operator, accountClaims(account, {}))}
  ${system.getPublicKey()}: ${sign(operator, accountClaims(system, noJetStream))}
}`,
    credentials: ({ expiresAtS } = {}) => {
      const user = nkeys.createUser()
      const jwt = sign(account, {
        ...{ sub: user.getPublicKey(), name: 'user' },
        ...(expiresAtS === undefined ? {} : { exp: expiresAtS }),
        nats: { type: 'user', version: 2, subs: -1, data: -1, payload: -1, pub: {}, sub: {} },
      })
      const seed = new TextDecoder().decode(user.getSeed())
      return `${block('NATS USER JWT', jwt)}\n${block('USER NKEY SEED', seed)}`
    },
  }
}

const base64 = (data: string | Uint8Array) => Buffer.from(data).toString('base64url')
const block = (name: string, text: string) => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`
