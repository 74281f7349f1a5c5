/** What comes live: a fast log, a gateway that dies while someone watches, two tabs of one browser. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import type { Page } from 'playwright-core'
import { Cleanup } from '../../support/cleanup.ts'
import { ADMIN } from '../../support/http-accounts.ts'
import { CHATTY_LINES, type ConsoleMesh, startShop } from '../console-mesh.ts'
import { startSwitchingProxy } from '../switching-proxy.ts'
import { openTab } from '../tabs.ts'

/** More than a frame, less than someone notices as a stop; other tests run beside this one. */
const LONGEST_FRAME_MS = 3_000

/** It needs a second gateway. */
export function testStream(world: () => ConsoleMesh): void {
  const cleanup = new Cleanup({ after })
  const namespace = 'stream'
  let client: Client

  before(async () => {
    client = await startShop(world().mesh, namespace)
  })

  const at = (page: string, base?: string) => world().at(namespace, page, base)
  const portOf = (gateway: number) => Number(new URL(world().mesh.httpUrls[gateway] ?? '').port)

  /** The numbers of the lines that the page has, as it downloads them. */
  async function linesOf(page: Page): Promise<number[]> {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const text = readFileSync(await (await download).path(), 'utf8')
    return [...text.matchAll(/ line (\d+) of the log/g)].map(([, line]) => Number(line))
  }

  /** Every line, once, in its order. */
  async function assertWhole(page: Page): Promise<void> {
    await page.getByText(`${CHATTY_LINES.toLocaleString('en')} lines`).waitFor({ timeout: 40_000 })
    const lines = await linesOf(page)
    assert.equal(lines.length, CHATTY_LINES)
    assert.ok(lines.every((line, i) => line === i + 1))
  }

  test('a log of 5,000 lines a second is followed without a stop, each line once', async () => {
    const run = await client.run('chatty', null, { delayMs: 2_000 })
    const { page, problems } = await openTab(world().browser, { cookie: world().cookie, url: at(`runs/${run.id}`) })
    await page.getByRole('log').waitFor()
    await page.evaluate(() => {
      const frames = { last: performance.now(), longest: 0 }
      Object.assign(window, { frames })
      const look = (now: number) => {
        frames.longest = Math.max(frames.longest, now - frames.last)
        frames.last = now
        requestAnimationFrame(look)
      }
      requestAnimationFrame(look)
    })
    await run.ended()
    await assertWhole(page)
    const { longest, rows } = await page.evaluate(() => ({
      longest: (window as unknown as { frames: { longest: number } }).frames.longest,
      rows: document.querySelectorAll('[role=log] > div').length,
    }))
    assert.ok(rows < 200, `${rows} rows are drawn`)
    assert.ok(longest < LONGEST_FRAME_MS, `nothing was drawn for ${Math.round(longest)} ms`)
    // It follows to the end, unless this machine was so busy that the log had ended before the page was there: then it opens at the first error.
    await page.getByRole('button', { name: /^Follow$|new ↓$/ }).click()
    await page.getByText(`line ${CHATTY_LINES} of the log`, { exact: true }).waitFor()
    await page.goto(`${at(`runs/${run.id}`)}#L12345`)
    await page.reload()
    await page.getByText('line 12345 of the log', { exact: true }).first().waitFor()
    await page.getByRole('searchbox', { name: 'Find in the log' }).fill('line 777 of')
    await page.keyboard.press('Enter')
    await page.getByText('1 line', { exact: true }).waitFor()
    assert.deepEqual(problems(), [])
    await page.context().close()
  })

  test('a gateway dies while someone watches: the page goes on at the other one, nothing missed and nothing twice', async () => {
    const proxy = await startSwitchingProxy(cleanup, portOf(0))
    // Cookies are named by the port of the address.
    const { page } = await openTab(world().browser, { cookie: undefined, url: proxy.url })
    await page.request.post(`${proxy.url}/api/v1/session`, { data: ADMIN })
    const run = await client.run('chatty', null, { delayMs: 2_000 })
    await page.goto(at(`runs/${run.id}`, proxy.url))
    await page
      .getByText(/line \d+ of the log/)
      .first()
      .waitFor()
    // That it reconnects shows for a moment only.
    const again = page.waitForRequest((request) => request.url().includes('/api/v1/stream?'))
    proxy.switchTo(portOf(1))
    await again
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
    await run.ended()
    await page.locator('h1 + span').getByText('succeeded').waitFor()
    await assertWhole(page)
    await page.context().close()
  })

  test('two tabs of one browser share a connection; when the one that has it is closed, the other goes on', async () => {
    const first = await openTab(world().browser, { cookie: world().cookie, url: at('runs') })
    await first.page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
    const streams: string[] = []
    first.context.on('request', (request) => {
      if (request.url().includes('/api/v1/stream?')) streams.push(request.url())
    })
    const second = await openTab(world().browser, { cookie: world().cookie, url: at('runs'), context: first.context })
    await second.page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
    assert.deepEqual(streams, [])
    // What is there before a list has been read is in it, and not new.
    for (const { page } of [first, second]) await page.locator('[data-row]').first().waitFor()
    const run = await client.run('greet')
    await run.ended()
    for (const { page } of [first, second]) await page.getByRole('button', { name: /new run/ }).waitFor()
    await first.page.close()
    await second.page.getByRole('button', { name: /new run/ }).click()
    const waiting = await client.run('wait')
    await second.page.getByRole('button', { name: /new run/ }).click()
    await second.page.locator(`[data-row="${waiting.id}"]`).getByText('running').waitFor()
    await client.runs.cancel(waiting.id)
    await second.page.locator(`[data-row="${waiting.id}"]`).getByText('cancelled', { exact: true }).waitFor()
    await first.context.close()
  })
}
