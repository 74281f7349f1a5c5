/** The settings of members, roles and tokens, and the pages of alerts. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from '../../support/browser.ts'
import type { ConsoleMesh } from '../console-mesh.ts'

const EVIL = '<img src=x onerror=alert(1)>'

export function testPeople(world: () => ConsoleMesh): void {
  const namespace = 'people'
  const arrive = () => world().arrive(namespace)
  const ask = async (path: string, body?: unknown) => {
    const headers = await world().mesh.accounts.admin()
    const answered = await fetch(
      `${world().url}/api/v1/${path}`,
      body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) },
    )
    return answered.status === 204 ? answered : answered.json()
  }

  test('a colleague is added with a role, uses the link once, and sees grey what the role may not do', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('settings')
    await page.getByRole('button', { name: 'Add a colleague' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Role').selectOption('viewer')
    await dialog.getByRole('button', { name: 'Make the link' }).click()
    const link = (await dialog.locator('[data-secret="link"]').textContent()) ?? ''
    const secret = new URLSearchParams(link.split('?')[1]).get('secret')
    const used = await fetch(`${world().url}/api/v1/session/link`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ secret, name: 'grace', password: 'a sentence of some length' }),
    })
    assert.equal(used.status, 204)
    await visitor.visit('settings')
    await page.getByRole('cell', { name: 'grace' }).waitFor()
    const other = await world().arrive(namespace, { cookie: used.headers.get('set-cookie')?.split(';')[0] ?? '' })
    await other.visit('jobs')
    const create = other.page.getByRole('button', { name: 'New job' })
    assert.equal(await create.isDisabled(), true)
    assert.equal(await create.getAttribute('title'), 'Needs the role developer')
    await other.visit('settings')
    await other.page.getByText('Needs the role admin').first().waitFor()
    await other.leave()
    await page.getByRole('row', { name: /grace/ }).getByRole('button', { name: 'Change' }).click()
    await dialog.getByLabel('Role').selectOption('developer')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('row', { name: /grace/ }).getByRole('cell', { name: 'developer' }).waitFor()
    await visitor.leave()
  })

  test('an approval that needs another role is grey, and says which; with the role it is given', async () => {
    const { client } = await world().mesh.connect({ namespace })
    const sign = { id: 'sign', wait: { approval: { by: ['finance'] } } }
    await client.jobs.put({ name: 'release', workflow: { nodes: [sign] } })
    const { id } = await client.run('release')
    const ivy = await world().mesh.accounts.member({ namespace, name: 'ivy', role: 'operator' })
    const see = async (ofMember: string) => {
      const visitor = await world().arrive(namespace, { cookie: ofMember })
      await visitor.visit(`runs/${id}`)
      return { visitor, approve: visitor.page.getByRole('button', { name: 'Approve' }) }
    }
    const before = await see(ivy.headers.cookie)
    await before.approve.waitFor()
    assert.equal(await before.approve.isDisabled(), true)
    assert.equal(await before.approve.getAttribute('title'), 'Needs the role finance')
    const admin = await arrive()
    await admin.visit('settings')
    await admin.page.getByRole('row', { name: /ivy/ }).getByRole('button', { name: 'Change' }).click()
    await admin.page.getByRole('dialog').getByLabel('May approve as').fill('finance, legal')
    await admin.page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await admin.page.getByRole('row', { name: /ivy/ }).getByText('operator, finance, legal').waitFor()
    const { visitor, approve } = await see(await world().mesh.accounts.signIn('ivy'))
    await approve.click()
    await visitor.page.locator('h1 + span').getByText('succeeded', { exact: true }).waitFor()
    assert.equal((await client.runs.tree(id)).nodes?.[0]?.decided?.by, 'ivy')
    for (const one of [admin, visitor]) await one.leave()
  })

  test('someone signs in through the provider, and comes to the page that was to be shown', async () => {
    const visitor = await world().arrive(namespace, { cookie: 'none=none' })
    const { page } = visitor
    await visitor.visit('jobs?q=report')
    await page.getByRole('link', { name: 'Test Provider' }).click()
    await page.getByPlaceholder('Enter any login').fill('olga')
    await page.getByPlaceholder('and password').fill('any')
    await page.getByRole('button', { name: 'Sign-in' }).click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
    assert.equal(new URL(page.url()).pathname, `/n/${namespace}/jobs`)
    assert.equal(await page.getByRole('button', { name: 'New job' }).getAttribute('title'), 'Needs the role developer')
    await visitor.leave()
  })

  test('a token is shown once, works, and is removed', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('settings?tab=tokens')
    await page.getByRole('button', { name: 'New token' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(EVIL)
    await dialog.getByRole('button', { name: 'Create the token' }).click()
    const token = (await dialog.locator('[data-secret="token"]').textContent()) ?? ''
    const jobs = () => fetch(`${world().url}/api/v1/namespaces/${namespace}/jobs`, { headers: { authorization: `Bearer ${token}` } })
    assert.equal((await jobs()).status, 200)
    await dialog.getByRole('button', { name: 'I have copied it' }).click()
    const row = page.getByRole('row').filter({ hasText: EVIL })
    assert.equal((await page.content()).includes(token), false)
    await row.getByRole('button', { name: 'Remove' }).click()
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await row.waitFor({ state: 'detached' })
    assert.equal((await jobs()).status, 401)
    await visitor.visit('settings?tab=audit')
    await page.getByText('tokens.remove').first().waitFor()
    await visitor.leave()
  })

  test('a channel is made and tested, and a rule that uses it', async () => {
    const nats = await world().mesh.nats()
    const heard: string[] = []
    nats.subscribe('ops.alerts', { callback: (_error, message) => void heard.push(message.string()) })
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('alerts?tab=channels')
    await page.getByRole('button', { name: 'New channel' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Kind').selectOption('nats')
    await dialog.getByLabel('Name').fill('ops')
    await dialog.getByLabel('Subject').fill('ops.alerts')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('The test message was sent.').waitFor()
    assert.equal(heard.length, 1)
    await visitor.visit('alerts?tab=rules')
    await page.getByRole('button', { name: 'New rule' }).click()
    await dialog.getByLabel('Name').fill('failures')
    await dialog.getByLabel('ops').check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('cell', { name: 'failures' }).waitFor()
    const { items } = (await ask(`namespaces/${namespace}/alert-rules`)) as { items: { scene: string; channels: string[] }[] }
    assert.deepEqual([items[0]?.scene, items[0]?.channels], ['run-failed', ['ops']])
    await visitor.leave()
  })

  test('a job gets a webhook, whose secret is shown once and signs a delivery', async () => {
    const executor = await world().mesh.connect({ namespace, service: 'hooked' })
    executor.handle('hooked', ({ payload }) => payload)
    await executor.start()
    await executor.client.jobs.put({ name: 'hooked', handler: 'hooked' })
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('jobs/hooked?tab=webhook')
    await page.getByRole('button', { name: 'Make a secret' }).click()
    const secret = (await page.locator('[data-secret="webhook"]').textContent()) ?? ''
    const body = '{"pushed":true}'
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    const delivered = await fetch(`${world().url}/hooks/${namespace}/hooked`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature, 'x-github-delivery': 'one' },
      body,
    })
    assert.equal(delivered.status, 201, await delivered.text())
    await page.getByRole('button', { name: 'Remove the webhook' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove the webhook' }).click()
    await page.getByText('It has no secret yet').waitFor()
    await visitor.leave()
  })

  test('a failed run is an incident, which is acknowledged', async () => {
    const executor = await world().mesh.connect({ namespace, service: 'shop' })
    executor.handle('fails', () => {
      throw new TypeError(EVIL)
    })
    await executor.start()
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('alerts')
    await executor.client.run('fails')
    const card = page.locator('[data-incident]').first()
    await card.waitFor()
    await card.getByLabel('Note').fill('looking at it')
    await card.getByRole('button', { name: 'Acknowledge' }).click()
    await card.getByText('acknowledged by ada').waitFor()
    assert.equal(await page.locator('img[src="x"]').count(), 0)
    await visitor.leave()
  })

  test('axe finds nothing on these pages, in both themes', async () => {
    await inspect(await arrive(), {
      members: 'settings',
      tokens: 'settings?tab=tokens',
      webhooks: 'settings?tab=webhooks',
      webhook: 'jobs/hooked?tab=webhook',
      namespaces: 'settings?tab=namespaces',
      audit: 'settings?tab=audit',
      incidents: 'alerts',
      'alert-rules': 'alerts?tab=rules',
      'alert-channels': 'alerts?tab=channels',
    })
  })
}
