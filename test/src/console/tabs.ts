import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Cleanup } from '../support/cleanup.ts'

/** Debian's, which `node scripts/chromium.ts` installs where it is missing. */
const CHROMIUM = process.env['CARILLON_TEST_CHROMIUM'] || '/usr/bin/chromium'
/** Why tests in a browser cannot run here; false when they can. In CI they must. */
export const noBrowser: string | false = existsSync(CHROMIUM) || process.env['CI'] === 'true' ? false : `${CHROMIUM} is not installed`

/** For people to look at; not in git. */
const SCREENSHOTS = fileURLToPath(new URL('../screenshots/', import.meta.url))
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export async function startBrowser(cleanup: Cleanup): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  cleanup.add('browser', () => browser.close())
  return browser
}

export interface TabOptions {
  readonly url: string
  readonly theme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
  /** `name=value` of who is signed in. */
  readonly cookie: string | undefined
  /** Another tab of the same browser profile. */
  readonly context?: BrowserContext
}

/** A tab with the console in it. */
export interface Tab {
  readonly page: Page
  readonly context: BrowserContext
  /** What is wrong by now: violations of the content policy, errors of the page. */
  problems(): readonly string[]
}

/** Opens a page of the console, in a profile of its own unless one is given. */
export async function openTab(browser: Browser, options: TabOptions): Promise<Tab> {
  const { url, theme = 'light', width = 1280, height = 800, cookie, context: given } = options
  const context =
    given ?? (await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: 'en-GB', timezoneId: 'Europe/Paris' }))
  const [name = '', value = ''] = cookie?.split('=') ?? []
  if (cookie !== undefined) await context.addCookies([{ name, value, url: new URL(url).origin }])
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (/Content Security Policy|Content-Security-Policy/.test(message.text())) problems.push(message.text())
  })
  await page.goto(url)
  return { page, context, problems: () => problems }
}

/** Fails with what axe finds: WCAG 2.2 A and AA, and best practices about landmarks and headings. */
export async function assertAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(AXE)
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
    interface Violation {
      id: string
      help: string
      nodes: { html: string; failureSummary: string }[]
    }
    return (await axe.run()).violations.map(
      ({ id, help, nodes }) =>
        `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html.slice(0, 200)}\n  ${failureSummary}`).join('\n')}`,
    )
  })
  assert.deepEqual(found, [], where)
}

/** Keeps a picture of the page in both themes. */
export async function keepScreenshots(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true })
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme })
    await page.screenshot({ path: `${SCREENSHOTS}${name}-${theme}.png`, animations: 'disabled' })
  }
}
