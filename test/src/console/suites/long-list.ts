/** A list of more runs than a page of the API has: by wheel, by keyboard, from a time on. `npm run bench -- --only list` does the same with a million. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { aRun } from '@carillon/store/testing'
import { eventually } from '@carillon/wire/testing'
import type { Page } from 'playwright-core'
import type { ConsoleMesh } from '../console-mesh.ts'

const COUNT = 2_000
const EVERY_MS = 1_000

export function testLongList(world: () => ConsoleMesh): void {
  const namespace = 'long-list'
  /** Ends a minute ago: runs of days ago would be removed. */
  const begunAt = Math.floor(Date.now() / 1_000) * 1_000 - 60_000 - COUNT * EVERY_MS

  before(async () => {
    const runs = Array.from({ length: COUNT }, (_, n) => {
      const createdAt = begunAt + n * EVERY_MS
      const end =
        n % 50 === 0 ? ({ state: 'failed', reason: 'handler-error' } as const) : ({ state: 'succeeded', reason: 'completed' } as const)
      return aRun(n, {
        id: `long${n}`,
        namespace,
        job: 'report',
        key: `n-${n}`,
        ...end,
        createdAt,
        queuedAt: null,
        startedAt: createdAt,
        endedAt: createdAt,
      })
    })
    await world().mesh.store.runs.insert(runs)
  })

  const row = (page: Page, index: number) => page.locator(`[aria-rowindex="${index + 2}"]`)
  const shows = (page: Page, index: number, n: number) => row(page, index).getByText(`n-${n}`, { exact: true }).waitFor()

  test('it is scrolled to its end and back; few rows are drawn, and each is where it belongs', async () => {
    const visitor = await world().arrive(namespace)
    const { page } = visitor
    await visitor.visit('runs')
    await shows(page, 0, COUNT - 1)
    await page.getByText('200+ runs').waitFor()
    await row(page, 3).hover()
    await page.mouse.wheel(0, 8_000)
    await page.getByText('400+ runs').waitFor()
    await page.getByRole('figure', { name: 'Runs' }).focus()
    const isWhole = page.getByText(`${COUNT.toLocaleString('en')} runs`, { exact: true })
    await eventually('the end', async () => {
      await page.keyboard.press('End')
      return isWhole.isVisible()
    })
    await page.keyboard.press('End')
    await shows(page, COUNT - 1, 0)
    assert.ok((await page.locator('[data-row]').count()) < 100)
    await page.keyboard.press('PageUp')
    await page.keyboard.press('Home')
    await shows(page, 0, COUNT - 1)
    await visitor.leave()
  })

  test('it begins at a time, and with a filter at its top', async () => {
    const visitor = await world().arrive(namespace)
    const { page } = visitor
    await visitor.visit('runs')
    await shows(page, 0, COUNT - 1)
    const half = COUNT / 2
    const local = new Date(begunAt + half * EVERY_MS).toLocaleString('sv', { timeZone: 'Europe/Berlin' }).replace(' ', 'T')
    await page.getByLabel('Jump to').fill(local)
    await page.keyboard.press('Enter')
    await shows(page, 0, half - 1)
    await row(page, 3).hover()
    await page.mouse.wheel(0, 4_000)
    await row(page, 0).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: /any state/ }).click()
    await page.getByRole('menuitemcheckbox', { name: 'failed' }).click()
    await page.keyboard.press('Escape')
    await shows(page, 0, half - 50)
    await shows(page, 1, half - 100)
    await page.getByRole('button', { name: 'To the newest' }).click()
    await shows(page, 0, COUNT - 50)
    await visitor.leave()
  })
}
