import { setTimeout as sleep } from 'node:timers/promises'
import { consoleFolder } from '@carillon/console'
import type { Client } from '@carillon/sdk'
import type { Browser, BrowserContext } from 'playwright-core'
import { openProfile, startBrowser, Visitor, type VisitorOptions } from '../support/browser.ts'
import type { Cleanup } from '../support/cleanup.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { startProvider } from '../support/provider.ts'
import { sqlite } from '../support/stores.ts'

/** The lines of `chatty`: 5,000 a second for four seconds. */
export const CHATTY_LINES = 20_000
const [TICK_MS, LINES_PER_TICK] = [20, 100]

/** A mesh with two gateways that serve the console, a provider of identities, and a browser. Starting them is expensive: all suites share them, each in a namespace of its own. */
export interface ConsoleMesh {
  readonly mesh: TestMesh
  readonly browser: Browser
  /** Of the first gateway. */
  readonly url: string
  /** Of the admin. */
  readonly cookie: string
  /** The URL of a page of a namespace. */
  at(namespace: string, page: string, base?: string): string
  /** The admin comes to a namespace, unless another cookie is given. Visitors with equal options share a profile. */
  arrive(namespace: string, options?: Partial<VisitorOptions>): Promise<Visitor>
  /** Pages that stay open go on reading what comes live. */
  closeProfiles(): Promise<void>
}

export async function startConsoleMesh(cleanup: Cleanup): Promise<ConsoleMesh> {
  const provider = await startProvider(cleanup, { olga: ['ops'] })
  const mesh = await startMesh(cleanup, { store: sqlite, gateways: 2, http: { consoleFolder }, provider })
  const browser = await startBrowser(cleanup)
  const [url = ''] = mesh.httpUrls
  const { cookie = '' } = await mesh.accounts.admin()
  const profiles = new Map<string, Promise<BrowserContext>>()
  return {
    ...{ mesh, browser, url, cookie },
    at: (namespace, page, base = url) => `${base}/n/${namespace}/${page}`,
    arrive: async (namespace, more) => {
      const options = { url, namespace, cookie, ...more }
      const key = JSON.stringify(options)
      const profile = profiles.get(key) ?? openProfile(browser, options)
      profiles.set(key, profile)
      return Visitor.arrive(await profile, options)
    },
    closeProfiles: async () => {
      profiles.clear()
      await Promise.all(browser.contexts().map((context) => context.close()))
    },
  }
}

/** An executor with handlers that succeed, fail, wait and write many lines. @returns its client */
export async function startShop(mesh: TestMesh, namespace: string): Promise<Client> {
  const executor = await mesh.connect({ namespace, service: 'shop', instance: 'shop-1', capacity: 8 })
  executor.handle('greet', async (ctx) => {
    ctx.log.info('someone is to be greeted')
    return { greeting: 'Hello', to: ctx.payload }
  })
  executor.handle('charge', () => {
    throw Object.assign(new Error('card 4711 was declined <img src=x onerror=alert(1)>'), { name: 'CardDeclined' })
  })
  executor.handle('wait', async (ctx) => {
    ctx.log.info('it waits')
    await ctx.progress(40, 'waiting')
    await sleep(600_000, undefined, { signal: ctx.signal })
  })
  executor.handle('chatty', async (ctx) => {
    const started = performance.now()
    for (let line = 1; line <= CHATTY_LINES; ) {
      for (let i = 0; i < LINES_PER_TICK; i++, line++) ctx.log[line % 1_000 === 0 ? 'error' : 'info'](`line ${line} of the log`)
      await sleep(Math.max(0, started + (line / LINES_PER_TICK) * TICK_MS - performance.now()))
    }
  })
  await executor.start()
  return executor.client
}
