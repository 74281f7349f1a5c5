/** What people do with the overview, the runs and a run, in a real browser against a real mesh. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { assertAccessible, assertAccessibleInDark } from '../../support/browser.ts'
import { ADMIN } from '../../support/http-accounts.ts'
import { type ConsoleMesh, startShop } from '../console-mesh.ts'
import { keepScreenshots, openTab, type Tab } from '../tabs.ts'

export function testPages(world: () => ConsoleMesh): void {
  const namespace = 'pages'
  let client: Client
  let tab: Tab

  const at = (page: string) => world().at(namespace, page)

  const openPage = async (page: string) => {
    await tab.page.goto(at(page))
    return tab.page
  }

  before(async () => {
    client = await startShop(world().mesh, namespace)
    await client.jobs.put({ name: 'greeting', handler: 'greet', payload: { name: 'Ada' } })
    await Promise.all(Array.from({ length: 5 }, () => client.run('charge', { amount: 42 }).then((run) => run.ended())))
    await client.run('greeting', { name: 'Ada' }).then((run) => run.ended())
    tab = await openTab(world().browser, { cookie: world().cookie, url: at('overview') })
  })

  test('the overview says what broke, and leads to it', async () => {
    const page = await openPage('overview?range=1h')
    const broken = page
      .locator('section', { has: page.getByRole('heading', { name: 'What broke' }) })
      .getByRole('link')
      .first()
    await broken.getByText('CardDeclined').waitFor()
    const changes = page.locator('section', { has: page.getByRole('heading', { name: 'What has changed' }) })
    await changes.getByRole('link', { name: 'greeting' }).waitFor()
    await keepScreenshots(page, 'overview')
    await broken.click()
    await page.waitForURL(/\/runs\/\w+/)
    await page.getByRole('heading', { level: 1, name: 'charge' }).waitFor()
  })

  test('runs are filtered by the URL; a new one is counted, and shown when someone asks for it', async () => {
    const page = await openPage('runs?state=failed')
    const rows = page.locator('[data-row]')
    await rows.first().waitFor()
    assert.equal(await rows.count(), 5)
    await keepScreenshots(page, 'runs')
    await openPage('runs')
    await rows.nth(5).waitFor()
    const run = await client.run('wait')
    await page.getByRole('button', { name: '1 new run' }).click()
    const row = page.locator(`[data-row="${run.id}"]`)
    await row.getByText('running').waitFor()
    await row.getByText('40 % waiting').waitFor()
    await client.runs.cancel(run.id)
    // In its place, without a click.
    await row.getByText('cancelled', { exact: true }).waitFor()
  })

  test('what failed is retried together, after it was counted', async () => {
    const page = await openPage('runs?state=failed')
    await page.locator('[data-row]').first().waitFor()
    await page.getByRole('button', { name: /Act on all that match/ }).click()
    await page.getByRole('menuitem', { name: 'Retry', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('5 runs will be changed.').waitFor()
    await assertAccessible(page, 'the dialog of many runs')
    await dialog.getByRole('button', { name: 'Retry 5' }).click()
    await dialog.getByText('5 runs were changed.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).click()
    const { items } = await client.runs.list({ handler: 'charge' })
    assert.ok(items.every(({ attempt }) => attempt === 2))
  })

  test('each attempt of a run is a row: when, where, and what ended it', async () => {
    const { items } = await client.runs.list({ handler: 'charge', limit: 1 })
    const page = await openPage(`runs/${items[0]?.runId}?tab=timeline`)
    const rows = page.getByLabel('Attempts', { exact: true }).getByRole('row')
    await rows.nth(2).waitFor()
    assert.equal(await rows.filter({ hasText: 'failed' }).filter({ hasText: 'shop-1' }).filter({ hasText: 'CardDeclined' }).count(), 2)
    await keepScreenshots(page, 'run-attempts')
  })

  test('the lines of all runs are searched, and a line leads to the log of its run', async () => {
    const question = { text: 'to be greeted', level: 'info' } as const
    await eventually('the logger has the line', async () => (await client.logs.search(question)).items.length > 0)
    const page = await openPage('logs?text=to%20be%20greeted&level=info')
    const line = page.getByLabel('Logs', { exact: true }).getByRole('listitem').first()
    await line.getByText('someone is to be greeted').waitFor()
    await keepScreenshots(page, 'logs')
    await line.getByRole('link').click()
    await page.waitForURL(/\/runs\/\w+\?tab=log/)
    await page.getByRole('heading', { level: 1, name: 'greeting' }).waitFor()
    await openPage('logs?text=nobody%20has%20written%20this')
    await page.getByText('No line matches.').waitFor()
  })

  test('a failed run says why in a sentence, with its error; text of handlers stays text', async () => {
    const { items } = await client.runs.list({ handler: 'charge', limit: 1 })
    const page = await openPage(`runs/${items[0]?.runId}?tab=error`)
    await page.getByText('CardDeclined', { exact: true }).waitFor()
    await page.getByText('<img src=x onerror=alert(1)>').first().waitFor()
    await page
      .getByLabel('Why')
      .getByText(/declined/)
      .waitFor()
    await keepScreenshots(page, 'run-error')
    await assertAccessible(page, 'the error of a run')
  })

  test('a run is cancelled from its page, and run again with a change', async () => {
    const run = await client.run('wait', { rounds: 3 })
    const page = await openPage(`runs/${run.id}`)
    await page.getByText('it waits').waitFor()
    await keepScreenshots(page, 'run')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).last().click()
    await page.locator('h1 + span').getByText('cancelled', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Run again with a change' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').fill('{ "rounds": 4 }')
    await dialog.getByRole('button', { name: 'Start' }).click()
    await page.waitForURL((url) => !url.pathname.endsWith(run.id))
    const again = page.url().split('/').at(-1) ?? ''
    await page.getByText('running').first().waitFor()
    assert.deepEqual((await client.runs.get(again)).payload, { rounds: 4 })
    await client.runs.cancel(again)
  })

  test('who is not signed in gets the way in, and then the page that the link was for', async () => {
    const { page, context, problems } = await openTab(world().browser, { url: at('runs'), cookie: undefined })
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await assertAccessible(page, 'sign in')
    await keepScreenshots(page, 'sign-in')
    await page.getByLabel('Name').fill(ADMIN.name)
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').first().waitFor()
    await page.getByLabel('Password').fill(ADMIN.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor()
    assert.deepEqual(problems(), [])
    await context.close()
  })

  test('keys lead everywhere; the language is changed without a reload', async () => {
    const page = await openPage('overview')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.waitForURL(/\/runs$/)
    await page.keyboard.press('/')
    await page.getByRole('combobox').last().fill('greet')
    await page.getByRole('option', { name: /greeting/ }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('Keyboard shortcuts').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Account/ }).click()
    await page.getByRole('menuitemradio', { name: '简体中文' }).click()
    await page.getByText('任意状态').waitFor()
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN')
    await page.getByRole('menuitemradio', { name: 'English' }).click()
    await page.keyboard.press('Escape')
  })

  test('axe finds nothing, in both themes and on a phone', async () => {
    const { items } = await client.runs.list({ limit: 1 })
    const pages = [
      'overview',
      'runs',
      `runs/${items[0]?.runId}`,
      'logs',
      `runs/${items[0]?.runId}?tab=timeline`,
      `runs/${items[0]?.runId}?tab=payload`,
    ]
    for (const name of pages) {
      await tab.page.emulateMedia({ colorScheme: 'light' })
      const page = await openPage(name)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
      await assertAccessible(page, name)
      await assertAccessibleInDark(page, name)
    }
    const phone = await openTab(world().browser, { cookie: world().cookie, url: at('overview'), width: 360, height: 740 })
    for (const name of pages.slice(0, 4)) {
      await phone.page.goto(at(name))
      await phone.page.getByRole('heading', { level: 1 }).waitFor()
      const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.ok(wide <= 0, `${name} is ${wide} px too wide for a phone`)
      await keepScreenshots(phone.page, `phone-${name.split('/')[0]}-${name.includes('/') ? 'one' : 'all'}`)
    }
    assert.deepEqual(phone.problems(), [])
    await phone.context.close()
  })

  test('nothing has broken the content policy, and no script has failed', () => assert.deepEqual(tab.problems(), []))
}
