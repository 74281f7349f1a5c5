/** What people keep running in the console: executors and dead letters. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { CALLS } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { inspect } from '../../support/browser.ts'
import type { ConsoleMesh } from '../console-mesh.ts'

const EVIL = '<img src=x onerror=alert(1)>'

export function testOperations(world: () => ConsoleMesh): void {
  const namespace = 'operations'
  let client: Client
  let isUp = false
  let letters: string[] = []

  before(async () => {
    const { mesh } = world()
    const executor = await mesh.connect({ namespace, service: 'shop', instance: 'worker-1', labels: { html: EVIL } })
    client = executor.client
    executor.handle('charge', ({ payload }) => {
      if (!isUp) throw new TypeError(`${EVIL}: no money`)
      return payload
    })
    await executor.start()
    await mesh.connect({ namespace, service: 'shop', instance: 'worker-2', version: '9.9.9' }).then((other) => {
      other.handle('other', () => null)
      return other.start()
    })
    const started = await Promise.all(
      [1, 2, 3].map((order) => client.call(CALLS.jobsRun, { handler: 'charge', payload: [order, EVIL], retry: { localTries: 1 } })),
    )
    letters = started.map(({ runId }) => runId)
    await eventually('all are given up', async () => (await client.call(CALLS.deadLettersList, {})).items.length === letters.length)
  })

  const arrive = () => world().arrive(namespace)

  test('an executor is shown with its load, cordoned with a note, uncordoned and drained; versions that differ are named', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('executors')
    await page.getByText('Instances of shop have different versions').waitFor()
    const card = page.locator('[data-instance="worker-1"]')
    await card.getByText('0 of 10 slots').waitFor()
    await card.getByRole('button', { name: 'Cordon' }).click()
    await page.getByRole('dialog').getByLabel('Why').fill('a bad disk')
    await page.getByRole('dialog').getByRole('button', { name: 'Cordon' }).click()
    await card.getByText('cordoned').waitFor()
    const cordoned = async () => (await client.instances.list()).items.find(({ instance }) => instance === 'worker-1')?.cordoned
    assert.equal((await cordoned())?.note, 'a bad disk')
    await card.getByRole('button', { name: 'Uncordon' }).click()
    await card.getByText('live').waitFor()
    await card.getByRole('button', { name: 'Drain' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click()
    await page.getByText('Drained: it holds nothing.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await card.getByRole('button', { name: 'Uncordon' }).click()
    await eventually('it takes work again', async () => (await cordoned()) === undefined)
    await visitor.leave()
  })

  test('an executor that comes is shown without a reload', async () => {
    const visitor = await arrive()
    await visitor.visit('executors')
    await visitor.page.locator('[data-instance="worker-1"]').waitFor()
    const late = await world().mesh.connect({ namespace, service: 'late', instance: 'late-1' })
    late.handle('late', () => null)
    await late.start()
    await visitor.page.locator('[data-instance="late-1"]').waitFor()
    await late.stop()
    await visitor.page.locator('[data-instance="late-1"]').waitFor({ state: 'detached' })
    await visitor.leave()
  })

  test('a dead letter is tried again with changed arguments, another one goes on, the last is removed', async () => {
    isUp = true
    const visitor = await arrive()
    const { page } = visitor
    const [first = '', second = '', third = ''] = letters
    await visitor.visit(`dead-letters?letter=${first}`)
    const dialog = page.getByRole('dialog')
    await dialog.getByText('no money').first().waitFor()
    await dialog.getByLabel('Arguments').fill('[42]')
    await dialog.getByRole('button', { name: 'Redrive with these arguments' }).click()
    await dialog.getByText('It is tried again as run').waitFor()
    const { redrivenAs = '' } = await client.call(CALLS.deadLettersGet, { id: first })
    await eventually('it has succeeded with them', async () => {
      const { state, payload } = await client.runs.get(redrivenAs)
      return state === 'succeeded' && JSON.stringify(payload) === '[42]'
    })
    await visitor.visit(`dead-letters?letter=${second}`)
    await dialog.getByRole('button', { name: 'Roll back' }).click()
    await eventually('the same run has succeeded', async () => (await client.runs.get(second)).state === 'succeeded')
    await visitor.visit('dead-letters')
    await page.getByLabel(`Select ${third}`).check()
    await page.getByRole('button', { name: 'Remove 1' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove 1' }).click()
    await eventually('one letter is left', async () => (await client.call(CALLS.deadLettersList, {})).items.length === 1)
    await visitor.leave()
  })

  test('axe finds nothing on these pages, in both themes; nothing is wider than a phone', async () => {
    const pages = {
      executors: 'executors',
      'dead-letters': 'dead-letters',
      'dead-letter': `dead-letters?letter=${letters[0]}`,
      settings: 'settings?tab=namespaces',
    }
    await inspect(await arrive(), pages)
    const phone = await world().arrive(namespace, { width: 360 })
    for (const [name, path] of Object.entries(pages)) {
      await phone.visit(path)
      await phone.picture(name)
      assert.equal(await phone.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, path)
      assert.equal(await phone.page.locator('img[src="x"]').count(), 0, path)
    }
    await phone.leave()
  })
}
