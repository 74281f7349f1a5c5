import assert from 'node:assert/strict'
import type { Role } from '@carillon/contracts'

export const ADMIN = { name: 'ada', password: 'correct horse battery' }

/** The accounts of a mesh's gateways, as someone has them who was shown the first link. */
export class HttpAccounts {
  readonly #url: () => string
  readonly #firstLink: () => string
  #cookie: Promise<string> | undefined

  constructor({ url, firstLink }: { url: () => string; firstLink: () => string }) {
    this.#url = url
    this.#firstLink = firstLink
  }

  /** Headers of a request by the admin of everything, as their browser sends it. */
  async admin(): Promise<Record<string, string>> {
    this.#cookie ??= this.#begin()
    return { cookie: await this.#cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  }

  /** Headers of a program that may do this much in a namespace. */
  async token(namespace: string, role: Role = 'admin', payloads = true): Promise<Record<string, string>> {
    const body = JSON.stringify({ name: `${role} of a test`, role, payloads })
    const answered = await fetch(`${this.#url()}/api/v1/namespaces/${namespace}/tokens`, {
      method: 'POST',
      headers: await this.admin(),
      body,
    })
    const { token } = await answered.json()
    assert.equal(answered.status, 201)
    return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  }

  /** Someone with an account of their own, as their browser sends it. */
  async member({ namespace, name, role, payloads = true }: { namespace: string; name: string; role: Role; payloads?: boolean }) {
    const at = `${this.#url()}/api/v1/namespaces/${namespace}/members`
    const invited = await fetch(at, { method: 'POST', headers: await this.admin(), body: JSON.stringify({ role, payloads }) })
    const secret = new URLSearchParams((await invited.json()).url.split('?')[1]).get('secret')
    const cookie = await this.#session('/link', { secret, name, password: ADMIN.password })
    const headers = { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
    const { user } = await (await fetch(`${this.#url()}/api/v1/session`, { headers })).json()
    return { id: user.id as string, headers }
  }

  /** The cookie of a member after a further sign-in. */
  signIn(name: string): Promise<string> {
    return this.#session('', { name, password: ADMIN.password })
  }

  async #session(path: string, given: object): Promise<string> {
    const headers = { 'content-type': 'application/json' }
    const answered = await fetch(`${this.#url()}/api/v1/session${path}`, { method: 'POST', headers, body: JSON.stringify(given) })
    assert.equal(answered.status, 204, await answered.text())
    return answered.headers.get('set-cookie')?.split(';')[0] ?? ''
  }

  async #begin(): Promise<string> {
    const secret = new URLSearchParams(this.#firstLink().split('?')[1]).get('secret')
    return this.#session('/link', { secret, ...ADMIN })
  }
}
