import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createLogger } from '@carillon/runtime'
import { FakeClock } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import { type ComposedAccess, composeAccess } from '../access/compose-access.ts'
import type { ProviderSettings } from '../access/oidc/provider-settings.ts'
import { GatewayTrail } from '../audit/gateway-trail.ts'
import type { Route } from '../http/http-controller.ts'
import { startTestServer, type TestServer } from './test-server.ts'

const PASSWORD = 'correct horse battery'

/** A browser: it keeps its cookie, and says where its requests come from. */
export class TestBrowser {
  readonly #url: string
  cookie: string | undefined
  lastCookie = ''

  constructor(url: string) {
    this.#url = url
  }

  async ask(line: string, body?: unknown, headers: Record<string, string> = {}) {
    const [method = '', path = ''] = line.split(' ')
    const sent = {
      'sec-fetch-site': 'same-origin',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(this.cookie === undefined ? {} : { cookie: this.cookie }),
      ...headers,
    }
    const init = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(this.#url + path, { method, headers: sent, redirect: 'manual', ...init })
    const set = response.headers.get('set-cookie')
    if (set !== null) {
      this.lastCookie = set
      this.cookie = set.includes('Max-Age=0') ? undefined : set.split(';')[0]
    }
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) }
  }
}

/** Accounts of a gateway behind a real server, on a store of their own, without a mesh. */
export interface TestAccounts {
  readonly server: TestServer
  readonly store: Store
  readonly clock: FakeClock
  readonly composed: ComposedAccess
  /** Links that were shown at the start. */
  readonly links: string[]
  /** Subjects on which it was published that accounts have changed. */
  readonly announced: string[]
  browser(): TestBrowser
  /** The admin of everything, signed in by the first link. */
  admin(): Promise<TestBrowser>
  /** Someone whom the admin has invited, signed in. */
  member(name: string, options: { role: string; namespace?: string; payloads?: boolean }): Promise<TestBrowser & { id: string }>
}

/** Where these gateways show traces. */
export const TRACE_URL = 'https://traces.example.com/{traceId}'

export const secretOf = (url: string): string => new URLSearchParams(url.split('?')[1]).get('secret') ?? ''

/** @param routes beside those of accounts */
export async function startTestAccounts(
  t: TestContext,
  { routes = [], origin, store: given, provider }: { routes?: Route[]; origin?: string; store?: Store; provider?: ProviderSettings } = {},
): Promise<TestAccounts> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-accounts-'))
  const store = given ?? (await openStore(`sqlite:${join(folder, 'test.db')}`))
  t.after(async () => {
    if (given === undefined) await store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const clock = new FakeClock()
  const links: string[] = []
  const announced: string[] = []
  let url = ''
  const log = createLogger({ name: 'test', level: 'silent' })
  const composed = composeAccess({
    trail: new GatewayTrail({ audit: store.audit, clock, log }),
    ...{ store, clock, log, origin, traceUrl: TRACE_URL, url: () => url, provider },
    connection: { publish: (subject) => void announced.push(subject) },
    showFirstLink: (link) => void links.push(link),
  })
  const all = [...composed.controllers.flatMap((controller) => controller.routes), ...routes]
  const server = await startTestServer(t, { access: composed.access, routes: all, ...(origin === undefined ? {} : { origin }) })
  url = server.url
  for (const loop of composed.loops) await loop.start()
  t.after(async () => {
    for (const loop of composed.loops) await loop.stop()
  })
  const browser = () => new TestBrowser(server.url)
  const useLink = async (link: string, name: string) => {
    const one = browser()
    const { status, text } = await one.ask('POST /api/v1/session/link', { secret: secretOf(link), name, password: PASSWORD })
    if (status !== 204) throw new Error(`${name}: ${text}`)
    return one
  }
  let admin: Promise<TestBrowser> | undefined
  const adminOnce = () => (admin ??= useLink(links[0] ?? '', 'ada'))
  return {
    ...{ server, store, clock, composed, links, announced, browser, admin: adminOnce },
    member: async (name, { role, namespace = 'default', payloads = true }) => {
      const { body } = await (await adminOnce()).ask(`POST /api/v1/namespaces/${namespace}/members`, { role, payloads })
      const one = await useLink(body.url, name)
      const { user } = (await one.ask('GET /api/v1/session')).body
      return Object.assign(one, { id: user.id as string })
    },
  }
}
