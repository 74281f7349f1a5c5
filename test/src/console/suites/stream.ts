/** What comes live: fast logs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import type { Page } from 'playwright-core'
import { Cleanup } from '../../support/cleanup.ts'
import { CHATTY_LINES, type ConsoleMesh, startShop } from '../console-mesh.ts'
import { openTab } from '../tabs.ts'

/** More than a frame, less than someone notices as a stop; other tests run beside this one. */
const LONGEST_FRAME_MS = 3_000

/** A line of a log that would run a script, were it not text. */
const MARKUP = '<img src=x onerror=alert(1) alt="hue of a line">'

export function testStream(world: () => ConsoleMesh): void {
  const cleanup = new Cleanup({ after })
  const namespace = 'stream'
  let client: Client

  before(async () => {
    client = await startShop(world().mesh, namespace)
  })

  const at = (page: string) => world().at(namespace, page)

  /** The numbers of the lines that the page has, as it downloads them. */
  async function linesOf(page: Page): Promise<number[]> {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const text = readFileSync(await (await download).path(), 'utf8')
    return [...text.matchAll(/ line (\d+) of the log/g)].map(([, line]) => Number(line))
  }

  /** Every line, once, in its order. */
  async function assertWhole(page: Page): Promise<void> {
    await page.getByText(`${CHATTY_LINES.toLocaleString('en')} lines`).waitFor()
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

  test('who scrolls up in a fast log stays there; colours are shown, and markup is text', async () => {
    const nats = await world().mesh.nats()
    const run = await client.run('wait')
    const visitor = await world().arrive(namespace)
    const { page } = visitor
    await visitor.visit(`runs/${run.id}`)
    await page.getByText('it waits').waitFor()
    let seq = 10
    const message = () => `\u001b[3${seq % 8}m${MARKUP}\u001b[0m line ${seq}`
    const write = () => {
      const lines = Array.from({ length: 100 }, () => ({ seq: ++seq, at: new Date().toISOString(), level: 'info', message: message() }))
      const body = { runId: run.id, taskId: run.id, attempt: 1, instance: 'shop-1', lines }
      nats.publish(`carillon.${namespace}.log.${run.id}`, JSON.stringify(body))
    }
    const writing = setInterval(write, 20)
    cleanup.add('lines', () => clearInterval(writing))
    const follow = page.getByRole('button', { name: /^Follow$|new ↓$/ })
    const firstShown = () => page.evaluate(() => document.querySelector('[role=log]')?.parentElement?.scrollTop)
    await page.getByText('hue of a line').first().waitFor()
    await page.getByRole('figure', { name: 'Log lines' }).hover()
    await page.mouse.wheel(0, -2_000)
    await page.getByRole('button', { name: /new ↓$/ }).waitFor()
    const top = await firstShown()
    const before = seq
    await eventually('a thousand lines later', () => seq > before + 1_000)
    assert.equal(await firstShown(), top)
    await follow.click()
    assert.equal(await follow.getAttribute('aria-pressed'), 'true')
    clearInterval(writing)
    await page.getByText(`line ${seq}`, { exact: false }).first().waitFor()
    const red = page.locator('[data-hue="red"]').first()
    assert.equal(await red.textContent(), MARKUP)
    assert.notEqual(await red.evaluate((span) => getComputedStyle(span).color), await follow.evaluate((one) => getComputedStyle(one).color))
    assert.equal(await page.locator('[role=log] img').count(), 0)
    // A search finds text on both sides of a colour, and a copy has none.
    await page.getByRole('searchbox', { name: 'Find in the log' }).fill(`a line"> line ${seq}`)
    await page.keyboard.press('Enter')
    await page.getByText('1 line', { exact: true }).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    assert.equal(readFileSync(await (await download).path(), 'utf8').includes('\u001b'), false)
    await client.runs.cancel(run.id)
    await visitor.leave()
  })
}
