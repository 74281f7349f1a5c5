import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Cleanup } from './cleanup.ts'

/** Debian's, which `node scripts/chromium.ts` installs where it is missing. */
const CHROMIUM = process.env['CARILLON_TEST_CHROMIUM'] || '/usr/bin/chromium'
/** Why tests in a browser cannot run here; false when they can. In CI they must. */
export const NO_BROWSER = existsSync(CHROMIUM) || process.env['CI'] === 'true' ? false : `${CHROMIUM} is not installed`

/** Pictures of pages, for people to look at. */
export const PICTURES = fileURLToPath(new URL('../screenshots/', import.meta.url))
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const THEMES = ['light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export async function startBrowser(cleanup: Cleanup): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  cleanup.add('browser', () => browser.close())
  return browser
}

export interface VisitorOptions {
  /** Of the gateway. */
  readonly url: string
  readonly namespace: string
  /** Of who is signed in, as `HttpAccounts` answers it. */
  readonly cookie: string
  readonly theme?: Theme
  readonly width?: number
  readonly language?: 'en-US' | 'zh-CN'
}

/** Someone who uses the console. What runs that should not, and what the content policy has stopped, fails the test. */
export class Visitor {
  readonly page: Page
  readonly context: BrowserContext
  readonly #options: VisitorOptions
  readonly #troubles: string[] = []

  static async arrive(browser: Browser, options: VisitorOptions): Promise<Visitor> {
    const { theme = 'light', width = 1280, language = 'en-US' } = options
    const context = await browser.newContext({
      ...{ colorScheme: theme, locale: language, timezoneId: 'Europe/Berlin', viewport: { width, height: 900 } },
    })
    const [name = '', ...value] = options.cookie.split('=')
    await context.addCookies([{ name, value: value.join('='), url: options.url }])
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        console.error(`content policy: ${violatedDirective} ${blockedURI}`),
      )
    })
    return new Visitor(await context.newPage(), context, options)
  }

  private constructor(page: Page, context: BrowserContext, options: VisitorOptions) {
    this.page = page
    this.context = context
    this.#options = options
    page.setDefaultTimeout(15_000)
    page.on('pageerror', (error) => this.#troubles.push(`error in the page: ${error.stack ?? error.message}`))
    page.on('dialog', (dialog) => {
      this.#troubles.push(`a script ran: ${dialog.message()}`)
      dialog.dismiss().catch(() => undefined)
    })
    page.on('console', (message) => {
      const isOwn = message.type() === 'error' && !message.text().startsWith('Failed to load resource')
      if (isOwn) this.#troubles.push(`${message.text()}`)
    })
  }

  /** @param path below the namespace, such as `jobs` */
  async visit(path: string): Promise<void> {
    const { url, namespace } = this.#options
    await this.page.goto(`${url}/n/${namespace}/${path}`)
    // Behind an open dialog it has no role.
    await this.page.locator('h1').waitFor()
  }

  /** What axe finds; none. */
  isAccessible(): Promise<void> {
    return assertAccessible(this.page, this.page.url())
  }

  async picture(name: string): Promise<void> {
    mkdirSync(PICTURES, { recursive: true })
    await this.page.screenshot({
      path: join(PICTURES, `${name}-${this.#options.theme ?? 'light'}-${this.#options.width ?? 1280}.png`),
      fullPage: true,
    })
  }

  /** Fails with what has gone wrong so far. */
  isWell(): void {
    assert.deepEqual(this.#troubles, [])
  }
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

/** Each page in both themes: axe finds nothing, nothing has run that should not, and there is a picture. */
export async function inspect(
  browser: Browser,
  options: Omit<VisitorOptions, 'theme'>,
  pages: Readonly<Record<string, string>>,
): Promise<void> {
  for (const theme of THEMES) {
    const visitor = await Visitor.arrive(browser, { ...options, theme })
    for (const [name, path] of Object.entries(pages)) {
      await visitor.visit(path)
      await visitor.page.getByText('Loading…').first().waitFor({ state: 'hidden' })
      await visitor.picture(name)
      await visitor.isAccessible()
    }
    visitor.isWell()
    await visitor.context.close()
  }
}
