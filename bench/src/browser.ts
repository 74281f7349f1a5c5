import { type Browser, chromium, type Page } from 'playwright-core'
import type { GatewayProcess } from './gateway-process.ts'

const CHROMIUM = process.env['CARILLON_TEST_CHROMIUM'] || '/usr/bin/chromium'

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage', '--enable-precise-memory-info'] })

/**
 * A page of the console, as the admin has it in a browser of their own.
 * @param path below the namespace, such as `runs`
 */
export async function openPage(browser: Browser, { url, cookie }: GatewayProcess, path: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const [name = '', ...value] = cookie.split('=')
  await context.addCookies([{ name, value: value.join('='), url }])
  const page = await context.newPage()
  await page.goto(`${url}/n/bench/${path}`)
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
  return page
}
