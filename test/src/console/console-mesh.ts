import { setTimeout as sleep } from 'node:timers/promises'
import { consoleFolder } from '@carillon/console'
import type { Browser } from 'playwright-core'
import { startBrowser } from '../support/browser.ts'
import type { Cleanup } from '../support/cleanup.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const NAMESPACE = 'default'
/** The lines of `chatty`: 5,000 a second for four seconds. */
export const CHATTY_LINES = 20_000
const [TICK_MS, LINES_PER_TICK] = [20, 100]

export interface ConsoleMesh {
  readonly mesh: TestMesh
  readonly browser: Browser
  readonly client: Awaited<ReturnType<TestMesh['connect']>>['client']
  /** Of the admin. */
  readonly cookie: string
  /** The URL of a page of the namespace. */
  at(page: string, base?: string): string
}

/** A mesh with a gateway that serves the console, an executor with handlers to look at, and a browser. */
export async function startConsoleMesh(cleanup: Cleanup, { gateways = 1 }: { gateways?: number } = {}): Promise<ConsoleMesh> {
  const store = STORES.find(({ name }) => name === 'sqlite') ?? STORES[0]
  if (store === undefined) throw new Error('no store')
  const mesh = await startMesh(cleanup, { store, gateways, http: { consoleFolder } })
  const executor = await mesh.connect({ namespace: NAMESPACE, service: 'shop', instance: 'shop-1', capacity: 8 })
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
  const browser = await startBrowser(cleanup)
  const at = (page: string, base = mesh.httpUrls[0] ?? '') => `${base}/n/${NAMESPACE}/${page}`
  const { cookie = '' } = await mesh.accounts.admin()
  return { mesh, browser, cookie, client: executor.client, at }
}
