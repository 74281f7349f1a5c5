import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Cleanup } from './cleanup.ts'

/** Debian's, which `node scripts/chromium.ts` installs where it is missing. The first has no windows, and takes two thirds of the processor time. */
const CHROMIUMS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'] as const
const CHROMIUM = process.env['CARILLON_TEST_CHROMIUM'] || (CHROMIUMS.find((path) => existsSync(path)) ?? CHROMIUMS[0])
/** Why tests in a browser cannot run here; false when they can. In CI they must. */
export const NO_BROWSER = existsSync(CHROMIUM) || process.env['CI'] === 'true' ? false : `${CHROMIUM} is not installed`

/** Pictures of pages are for people to look at, and half of the time of a page: kept with `CARILLON_TEST_PICTURES=1`. */
export const KEEPS_PICTURES = process.env['CARILLON_TEST_PICTURES'] === '1'
export const PICTURES = fileURLToPath(new URL('../screenshots/', import.meta.url))
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

type Theme = 'light' | 'dark'

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

/** A browser profile: its pages share cookies, and what they have loaded once. Its user wants less motion; who opens a page with `openTab` has said nothing. */
export async function openProfile(
  browser: Browser,
  { url, cookie, theme = 'light', width = 1280, language = 'en-US' }: VisitorOptions,
): Promise<BrowserContext> {
  const context = await browser.newContext({
    ...{ colorScheme: theme, locale: language, timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', viewport: { width, height: 900 } },
  })
  const [name = '', ...value] = cookie.split('=')
  await context.addCookies([{ name, value: value.join('='), url }])
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`content policy: ${violatedDirective} ${blockedURI}`),
    )
  })
  return context
}

/** Someone who uses the console. What runs that should not, and what the content policy has stopped, fails the test. */
export class Visitor {
  readonly page: Page
  readonly #options: VisitorOptions
  readonly #troubles: string[] = []

  /** @param context see `openProfile` */
  static async arrive(context: BrowserContext, options: VisitorOptions): Promise<Visitor> {
    return new Visitor(await context.newPage(), options)
  }

  private constructor(page: Page, options: VisitorOptions) {
    this.page = page
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

  async picture(name: string, theme: Theme = 'light'): Promise<void> {
    if (!KEEPS_PICTURES) return
    mkdirSync(PICTURES, { recursive: true })
    await this.page.screenshot({
      path: join(PICTURES, `${name}-${theme}-${this.#options.width ?? 1280}.png`),
      fullPage: true,
    })
  }

  /** Closes the page, which would go on reading what comes live. Fails with what has gone wrong on it. */
  async leave(): Promise<void> {
    await this.page.close()
    assert.deepEqual(this.#troubles, [])
  }
}

/** Rules that look at colours: all that another theme can break. */
const RULES_OF_COLOURS = ['color-contrast', 'link-in-text-block']

/**
 * Fails with what axe finds: WCAG 2.2 A and AA, and best practices about landmarks and headings.
 * @param rules of axe; default all
 */
export async function assertAccessible(page: Page, where: string, rules?: readonly string[]): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE)
  const found = await page.evaluate(async (runOnly) => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } }
    interface Violation {
      id: string
      help: string
      nodes: { html: string; failureSummary: string }[]
    }
    return (await axe.run({ resultTypes: ['violations'], ...(runOnly ? { runOnly } : {}) })).violations.map(
      ({ id, help, nodes }) =>
        `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html.slice(0, 200)}\n  ${failureSummary}`).join('\n')}`,
    )
  }, rules)
  assert.deepEqual(found, [], where)
}

const backgroundOf = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor)

/** The page as it is in the dark theme: axe finds nothing in its colours. The elements are the same as in the light one. */
export async function assertAccessibleInDark(page: Page, where: string): Promise<void> {
  const light = await backgroundOf(page)
  await page.emulateMedia({ colorScheme: 'dark' })
  // Colours of buttons change by a transition.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((one) => one instanceof CSSTransition && one.finished)))
  assert.notEqual(await backgroundOf(page), light, `${where} has no dark theme`)
  await assertAccessible(page, `${where}, dark`, RULES_OF_COLOURS)
}

/** Each page in both themes: axe finds nothing, and nothing has run that should not. */
export async function inspect(visitor: Visitor, pages: Readonly<Record<string, string>>): Promise<void> {
  const { page } = visitor
  for (const [name, path] of Object.entries(pages)) {
    await page.emulateMedia({ colorScheme: 'light' })
    await visitor.visit(path)
    await page.getByText('Loading…').first().waitFor({ state: 'hidden' })
    await visitor.picture(name)
    await assertAccessible(page, page.url())
    await assertAccessibleInDark(page, page.url())
    await visitor.picture(name, 'dark')
  }
  await visitor.leave()
}
