/** A viewer, who may change nothing: what would is grey on every page and names the role, and the API refuses it. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import type { Page } from 'playwright-core'
import { type ConsoleMesh, startShop } from '../console-mesh.ts'

/** What changes nothing but the page. All else that can be pressed needs a role. */
const HARMLESS =
  /^(Copy.*|\w{12}…|Download|Follow|More filters|Clear filters|State: any state ▾|As a table|Simulate|To the newest|holidays)$/

export function testViewer(world: () => ConsoleMesh): void {
  const namespace = 'viewer'
  let client: Client

  before(async () => {
    client = await startShop(world().mesh, namespace)
  })

  /** The names of buttons that can be pressed, and what is wrong with those that cannot. */
  const buttonsOf = (page: Page) =>
    page.evaluate(() => {
      const all = [...document.querySelectorAll<HTMLButtonElement>('main button, main [role="button"], main [role="menuitem"]')]
      const nameOf = (one: HTMLElement) => (one.getAttribute('aria-label') ?? one.innerText).replace(/\s+/g, ' ').trim()
      return {
        open: all.filter(({ disabled }) => !disabled).map(nameOf),
        grey: all.filter(({ disabled }) => disabled).map((one) => `${nameOf(one)}: ${one.title}`),
      }
    })

  test('every button that changes something is grey and names the role that it needs; the API refuses all of it', async () => {
    await client.jobs.put({ name: 'report', handler: 'greet', schedule: { everyMs: 3_600_000 } })
    await client.calendars.put({ name: 'holidays', days: ['2030-01-01'] })
    const [waiting, failed] = [await client.run('wait'), await client.run('charge')]
    await failed.ended().catch(() => undefined)
    const { headers } = await world().mesh.accounts.member({ namespace, name: 'vera', role: 'viewer' })
    const visitor = await world().arrive(namespace, { cookie: headers.cookie })
    const { page } = visitor
    const pages = {
      ...{ runs: 'runs', waiting: `runs/${waiting.id}`, failed: `runs/${failed.id}`, jobs: 'jobs', job: 'jobs/report' },
      ...{ definition: 'jobs/report?tab=definition', webhook: 'jobs/report?tab=webhook', executors: 'executors', letters: 'dead-letters' },
      ...{ alerts: 'alerts', rules: 'alerts?tab=rules', channels: 'alerts?tab=channels', calendars: 'calendars', settings: 'settings' },
      ...{ tokens: 'settings?tab=tokens', webhooks: 'settings?tab=webhooks', audit: 'settings?tab=audit' },
    }
    const found: string[] = []
    let greys = 0
    for (const [name, path] of Object.entries(pages)) {
      await visitor.visit(path)
      await page.getByText('Loading…').first().waitFor({ state: 'hidden' })
      const { open, grey } = await buttonsOf(page)
      found.push(...open.filter((button) => !HARMLESS.test(button)).map((button) => `${name}: ${button}`))
      found.push(...grey.filter((button) => !/: Needs the role \w+$/.test(button)).map((button) => `${name}: ${button}`))
      greys += grey.length
    }
    assert.deepEqual(found, [])
    assert.ok(greys > 15, `${greys} buttons are grey`)
    const statuses = await page.evaluate(
      async ({ base, id }) => {
        const requests = [
          ...[
            `runs/${id}/cancel`,
            `runs/${id}/retry`,
            `runs/${id}/signals/go`,
            'jobs/report/runs',
            'jobs/report/pause',
            'tokens',
            'members',
          ],
          ...['instances/shop-1/cordon', 'instances/shop-1/uncordon'],
        ]
        const sent = requests.map(async (path) => {
          const { status } = await fetch(`${base}/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
          return `${path} ${status}`
        })
        return Promise.all(sent)
      },
      { base: `/api/v1/namespaces/${namespace}`, id: waiting.id },
    )
    assert.deepEqual(
      statuses.filter((one) => !one.endsWith(' 403')),
      [],
    )
    assert.equal((await client.runs.get(waiting.id)).state, 'running')
    await client.runs.cancel(waiting.id)
    await visitor.leave()
  })
}
