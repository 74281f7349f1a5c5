import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

type Json = Record<string, unknown>

/** What an answer of the issuer has otherwise than a right one. */
export interface Forgery {
  readonly claims?: Json
  readonly header?: Json
  /** Signs with a key that the issuer does not show. */
  readonly foreignKey?: boolean
  readonly signature?: string
  /** Of the token endpoint. */
  readonly answer?: { readonly status: number; readonly body: Json }
  /** Never answers. */
  readonly silent?: boolean
  readonly userinfo?: Json
}

/** An issuer that answers as a test wants it, also what no provider would. */
export class FakeIssuer {
  readonly url: string
  forgery: Forgery = {}
  /** Of the sign-in that is completed next. */
  nonce = ''
  /** Bodies of the requests for tokens. */
  readonly redeemed: URLSearchParams[] = []
  metadata: Json = {}
  #kid = 0
  #keys = keyPair()

  static async start(t: TestContext): Promise<FakeIssuer> {
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (data) => {
        body += data
      })
      request.on('end', () => issuer.#answer(request.url ?? '', body, response))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const issuer = new FakeIssuer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return issuer
  }

  private constructor(url: string) {
    this.url = url
  }

  /** From now on it signs with another key, and shows that one alone. */
  rotate(): void {
    this.#kid++
    this.#keys = keyPair()
  }

  #answer(path: string, body: string, response: ServerResponse): void {
    if (this.forgery.silent) return
    const send = (status: number, json: Json) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
    if (path.startsWith('/.well-known/')) return void send(200, { ...this.#metadata(), ...this.metadata })
    if (path === '/jwks')
      return void send(200, { keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: String(this.#kid), use: 'sig' }] })
    if (path === '/userinfo') return void send(200, this.forgery.userinfo ?? {})
    this.redeemed.push(new URLSearchParams(body))
    const { answer } = this.forgery
    if (answer) return void send(answer.status, answer.body)
    send(200, { access_token: 'a token', token_type: 'Bearer', id_token: this.#idToken() })
  }

  #metadata(): Json {
    return {
      ...{
        issuer: this.url,
        authorization_endpoint: `${this.url}/authorize`,
        token_endpoint: `${this.url}/token`,
        jwks_uri: `${this.url}/jwks`,
      },
      ...{ response_types_supported: ['code'], subject_types_supported: ['public'], userinfo_endpoint: `${this.url}/userinfo` },
      ...{ id_token_signing_alg_values_supported: ['RS256', 'none', 'HS256'] },
    }
  }

  #idToken(): string {
    const now = Math.floor(Date.now() / 1_000)
    const { header, claims, foreignKey, signature } = this.forgery
    const right = { iss: this.url, aud: 'carillon', sub: 'subject-1', nonce: this.nonce, iat: now, exp: now + 300 }
    const text = [
      { alg: 'RS256', kid: String(this.#kid), ...header },
      { ...right, preferred_username: 'olga', groups: ['ops'], ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const key: KeyObject = (foreignKey ? keyPair() : this.#keys).privateKey
    return `${text}.${signature ?? sign('sha256', Buffer.from(text), key).toString('base64url')}`
  }
}

const keyPair = () => generateKeyPairSync('rsa', { modulusLength: 2_048 })
