/** What people see while a gateway is killed, a network is away, or a browser stops a tab: nothing is missed, and nothing is there twice. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import { eventually, freePort } from '@carillon/wire/testing'
import type { BrowserContext, Page } from 'playwright-core'
import { startCli } from '../../support/carillon.ts'
import { Cleanup } from '../../support/cleanup.ts'
import { ADMIN } from '../../support/http-accounts.ts'
import type { TestProcess } from '../../support/processes.ts'
import { CHATTY_LINES, type ConsoleMesh, startShop } from '../console-mesh.ts'
import { startSwitchingProxy } from '../switching-proxy.ts'
import { openTab } from '../tabs.ts'

/** More than the six connections that a browser has to one address. */
const TABS = 7

export function testOutages(world: () => ConsoleMesh): void {
  const cleanup = new Cleanup({ after })
  const namespace = 'outages'
  let client: Client

  before(async () => {
    client = await startShop(world().mesh, namespace)
  })

  const at = (page: string, base?: string) => world().at(namespace, page, base)

  /** A gateway in a process of its own: one that can be killed. */
  async function startGatewayProcess(port: number): Promise<TestProcess> {
    const gateway = startCli(cleanup, ['gateway'], {
      env: {
        CARILLON_NATS_URL: world().mesh.broker.url,
        CARILLON_STORE_URL: world().mesh.storeUrl,
        CARILLON_HTTP_PORT: String(port),
        CARILLON_HTTP_RATE: '100000',
      },
    })
    await eventually('the gateway answers', () =>
      fetch(`http://127.0.0.1:${port}/api/v1/session/ways`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    return gateway
  }

  /** A browser whose user is signed in at an address: cookies are named by its port. */
  async function signIn(url: string): Promise<BrowserContext> {
    const { context, page } = await openTab(world().browser, { cookie: undefined, url })
    await page.request.post(`${url}/api/v1/session`, { data: ADMIN })
    await page.close()
    return context
  }

  async function open(context: BrowserContext, url: string): Promise<Page> {
    const { page } = await openTab(world().browser, { cookie: undefined, url, context })
    return page
  }

  const isLive = (page: Page) => page.getByRole('status').filter({ hasText: 'Live' }).waitFor()

  /** The page has each line of the log once, in its order. */
  async function assertWhole(page: Page): Promise<void> {
    const count = page.getByText(/^[\d,]+ lines/)
    await eventually('the page has all lines', async () => {
      assert.equal(await count.textContent(), `${CHATTY_LINES.toLocaleString('en')} lines`)
      return true
    })
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const text = readFileSync(await (await download).path(), 'utf8')
    const lines = [...text.matchAll(/ line (\d+) of the log/g)].map(([, line]) => Number(line))
    assert.equal(lines.length, CHATTY_LINES)
    assert.ok(lines.every((line, i) => line === i + 1))
  }

  /** A log, the list of runs and a run, as three tabs have them, and what happens to them while `kill` does what it does. */
  async function assertNothingIsMissed(url: string, kill: () => Promise<void>): Promise<void> {
    const [context, run, waiting] = await Promise.all([signIn(url), client.run('chatty', null, { delayMs: 3_000 }), client.run('wait')])
    const [log, list, one] = (await Promise.all(
      [`runs/${run.id}`, 'runs', `runs/${waiting.id}`].map((path) => open(context, at(path, url))),
    )) as [Page, Page, Page]
    await list.locator(`[data-row="${waiting.id}"]`).getByText('running').waitFor()
    await one.locator('h1 + span').getByText('running').waitFor()
    await log
      .getByText(/line \d+ of the log/)
      .first()
      .waitFor()
    const killed = kill()
    // Nobody tells the pages of these.
    await client.runs.cancel(waiting.id)
    const greeted = await client.run('greet')
    await greeted.ended()
    await killed
    await Promise.all([log, list, one].map(isLive))
    await one.locator('h1 + span').getByText('cancelled').waitFor()
    await list.locator(`[data-row="${waiting.id}"]`).getByText('cancelled', { exact: true }).waitFor()
    await list.getByRole('button', { name: '1 new run' }).click()
    await list.locator(`[data-row="${greeted.id}"]`).getByText('succeeded').waitFor()
    assert.equal(await list.locator(`[data-row="${greeted.id}"]`).count(), 1)
    await run.ended()
    await log.locator('h1 + span').getByText('succeeded').waitFor()
    await assertWhole(log)
    // It follows what happens now, too.
    const later = await client.run('greet')
    await later.ended()
    await list.getByRole('button', { name: '1 new run' }).click()
    await list.locator(`[data-row="${later.id}"]`).getByText('succeeded').waitFor()
    await context.close()
  }

  test('a gateway process is killed with SIGKILL and starts again at its address', async () => {
    const port = await freePort()
    const gateway = await startGatewayProcess(port)
    let second: TestProcess | undefined
    await assertNothingIsMissed(`http://127.0.0.1:${port}`, async () => {
      await gateway.kill9()
      second = await startGatewayProcess(port)
    })
    await second?.kill9()
  })

  test('a gateway process is killed with SIGKILL behind an address that another one serves, too', async () => {
    const port = await freePort()
    const gateway = await startGatewayProcess(port)
    const proxy = await startSwitchingProxy(cleanup, port)
    await assertNothingIsMissed(proxy.url, async () => {
      await gateway.kill9()
      proxy.switchTo(Number(new URL(at('runs')).port))
    })
  })

  test('a network that is away for a while: the pages catch up when it is back', async () => {
    const url = new URL(at('')).origin
    const context = await signIn(url)
    const waiting = await client.run('wait')
    const [list, one] = await Promise.all([open(context, at('runs')), open(context, at(`runs/${waiting.id}`))])
    await Promise.all([list, one].map(isLive))
    await list.locator(`[data-row="${waiting.id}"]`).getByText('running').waitFor()
    await context.setOffline(true)
    await client.runs.cancel(waiting.id)
    const run = await client.run('greet')
    await run.ended()
    await context.setOffline(false)
    await one.locator('h1 + span').getByText('cancelled').waitFor()
    await list.getByRole('button', { name: '1 new run' }).waitFor()
    await context.close()
  })

  test(`${TABS} tabs share one stream; when the tab that has it is frozen or closed, another one takes it`, async () => {
    const context = await signIn(new URL(at('')).origin)
    // What is there before a list has been read is in it, and not new.
    await (await client.run('greet')).ended()
    const streams = new Map<unknown, Page>()
    context.on('request', (request) => {
      if (request.url().includes('/api/v1/stream?')) streams.set(request, request.frame().page())
    })
    context.on('requestfinished', (request) => void streams.delete(request))
    context.on('requestfailed', (request) => void streams.delete(request))
    const tabs = await Promise.all(Array.from({ length: TABS }, () => open(context, at('runs'))))
    const follow = async (pages: readonly Page[]) => {
      await Promise.all(pages.map((page) => page.locator('[data-row]').first().waitFor()))
      const run = await client.run('greet')
      await run.ended()
      await Promise.all(pages.map((page) => page.getByRole('button', { name: /new run/ }).click()))
      await Promise.all(pages.map((page) => page.locator(`[data-row="${run.id}"]`).getByText('succeeded').waitFor()))
    }
    await Promise.all(tabs.map(isLive))
    await follow(tabs)
    assert.equal(streams.size, 1)
    const leader = () => {
      const [page] = streams.values()
      assert.ok(page)
      return page
    }
    const first = leader()
    const protocol = await context.newCDPSession(first)
    // Its script stops, as that of a tab which the browser freezes; Chromium freezes no tab that is seen, and without a screen all are.
    await protocol.send('Debugger.enable')
    await protocol.send('Debugger.pause')
    const others = tabs.filter((page) => page !== first)
    await eventually('another tab has a stream', () => [...streams.values()].some((page) => page !== first))
    await follow(others)
    await protocol.send('Debugger.resume')
    await protocol.send('Debugger.disable')
    await eventually('one stream is left', () => streams.size === 1)
    await first.getByRole('button', { name: /new run/ }).click()
    await follow(tabs)
    const second = leader()
    await second.close()
    for (const [request, page] of streams) if (page === second) streams.delete(request)
    await eventually('another tab has the stream', () => streams.size === 1)
    await follow(tabs.filter((page) => page !== second))
    await context.close()
  })

  test('who signs out in one tab is signed out in all of them', async () => {
    const url = new URL(at('')).origin
    const context = await signIn(url)
    const tabs = await Promise.all([1, 2, 3].map(() => open(context, at('runs'))))
    await Promise.all(tabs.map(isLive))
    const [first] = tabs as [Page]
    await first.getByRole('button', { name: /^Account/ }).click()
    await first.getByRole('menuitem', { name: 'Sign out' }).click()
    await Promise.all(tabs.map((page) => page.getByLabel('Password').waitFor()))
    await context.close()
  })
}
