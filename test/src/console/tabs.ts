import { mkdirSync } from 'node:fs'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { KEEPS_PICTURES, PICTURES } from '../support/browser.ts'

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
  page.setDefaultTimeout(60_000)
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (/Content Security Policy|Content-Security-Policy/.test(message.text())) problems.push(message.text())
  })
  await page.goto(url)
  return { page, context, problems: () => problems }
}

/** A picture of the page in both themes, if pictures are kept. */
export async function keepScreenshots(page: Page, name: string): Promise<void> {
  if (!KEEPS_PICTURES) return
  mkdirSync(PICTURES, { recursive: true })
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme })
    await page.screenshot({ path: `${PICTURES}${name}-${theme}.png`, animations: 'disabled' })
  }
}
