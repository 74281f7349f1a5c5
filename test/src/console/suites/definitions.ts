/** What people define in the console: jobs, schedules, workflows, calendars. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { z } from 'zod'
import { inspect, type Visitor } from '../../support/browser.ts'
import type { ConsoleMesh } from '../console-mesh.ts'

const EVIL = '<img src=x onerror=alert(1)>'
const LINK = 'javascript:alert(2)'

export function testDefinitions(world: () => ConsoleMesh): void {
  const namespace = 'definitions'
  let client: Client

  before(async () => {
    const executor = await world().mesh.connect({ namespace, service: 'shop' })
    client = executor.client
    const input = z.object({ day: z.int().min(1).max(31).describe(EVIL), level: z.enum(['low', 'high']), note: z.string().optional() })
    executor.handle('report', ({ payload }) => payload, { input, description: EVIL })
    executor.handle('echo', ({ payload }) => payload)
    await executor.start()
    await client.jobs.put({
      name: 'report',
      handler: 'report',
      description: EVIL,
      schedule: { cron: '0 9 * * MON-FRI', timezone: 'Asia/Calcutta' },
    })
    await client.jobs.put({ name: 'evil', handler: 'echo', description: LINK, payload: { html: EVIL, link: LINK } })
    await client.jobs.pause('evil', { note: EVIL })
    await client.jobs.resume('evil')
  })

  const arrive = (): Promise<Visitor> => world().arrive(namespace)

  test('a job is started with a form made from its schema, which says what is wrong', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('jobs')
    await page.getByRole('link', { name: 'report', exact: true }).click()
    await page.getByRole('button', { name: 'Start' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('day').fill('32')
    await dialog.getByRole('button', { name: 'Start' }).click()
    await dialog.getByText('Too large: the limit is 31.').waitFor()
    await dialog.getByLabel('day').fill('7')
    await dialog.getByLabel('level').selectOption({ label: 'high' })
    await dialog.getByRole('button', { name: 'Start' }).click()
    await page.waitForURL(/\/runs\//)
    const [, runId = ''] = /runs\/([^/?]+)/.exec(page.url()) ?? []
    await eventually('it has run with what was typed', async () => {
      const { state, result } = await client.runs.get(runId)
      if (state !== 'succeeded') return false
      assert.deepEqual(result, { day: 7, level: 'high' })
      return true
    })
    await visitor.leave()
  })

  test('a number that no double keeps is sent as it was typed, and refused at its field', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('jobs/evil')
    await page.getByRole('button', { name: 'Start' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Payload').fill('{"id": 12345678901234567890}')
    await dialog.getByRole('button', { name: 'Start' }).click()
    await dialog.getByText('INTEGER_TOO_LARGE').waitFor()
    await visitor.leave()
  })

  test('a job is paused with a note, and jobs are resumed together', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('jobs/report')
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('dialog').getByLabel('Why').fill('until the data is repaired')
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    await page.getByText('until the data is repaired').waitFor()
    assert.equal((await client.jobs.get('report')).state, 'paused')
    await visitor.visit('jobs?state=paused')
    await page.getByLabel('Select report').check()
    await page.getByRole('button', { name: 'Resume 1' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Resume 1' }).click()
    await eventually('it is active', async () => (await client.jobs.get('report')).state === 'active')
    await visitor.leave()
  })

  test('a paused job says what has passed since, and runs it after all', async () => {
    await client.jobs.put({ name: 'tick', handler: 'echo', schedule: { everyMs: 1_000 } })
    await client.jobs.pause('tick')
    const before = (await client.runs.list({ job: 'tick' })).items.length
    const visitor = await arrive()
    const { page } = visitor
    const run = page.getByRole('button', { name: /^Run \d+ missed slots? now$/ })
    await eventually('a slot has passed', async () => {
      await visitor.visit('jobs/tick')
      await page.getByText(/slots? ha(s|ve) passed since then/).waitFor()
      return (await run.count()) === 1
    })
    const count = Number(/\d+/.exec(await run.innerText())?.[0])
    await run.click()
    await page.getByRole('dialog').getByRole('button', { name: /^Run/ }).click()
    await page.getByText(/runs? (was|were) started/).waitFor()
    assert.equal((await client.runs.list({ job: 'tick' })).items.length, before + count)
    await client.jobs.remove('tick')
    await visitor.leave()
  })

  test('a large workflow opens folded in the editor, and unfolds', async () => {
    const nodes = Array.from({ length: 70 }, (_, i) => ({ id: `n${i}`, handler: 'echo', ...(i === 0 ? {} : { after: `n${i - 1}` }) }))
    await client.jobs.put({ name: 'large', workflow: { nodes } })
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('workflows/large')
    await page.getByText('70 nodes').click()
    await page.locator('[data-node="n35"]').waitFor()
    await page.getByRole('button', { name: 'Fold groups' }).click()
    await page.locator('[data-node="n35"]').waitFor({ state: 'detached' })
    // What is selected stays a node of its own.
    await visitor.visit('workflows/large?node=n35')
    await page.locator('[data-node="n35"]').waitFor()
    await page.getByText('34 nodes').waitFor()
    await visitor.leave()
  })

  test('an error of the mesh is said in Chinese by its code', async () => {
    const visitor = await world().arrive(namespace, { language: 'zh-CN' })
    await visitor.visit('jobs/none')
    await visitor.page.getByText('没有该名称的任务。').waitFor()
    await visitor.page.getByText('JOB_NOT_FOUND').waitFor()
    await visitor.leave()
  })

  test('a schedule is edited with its meaning and its next times; the zone as it is stored stays', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('jobs/report?tab=definition')
    await page.getByLabel('Expression').fill('30 6 1 * *')
    await page.getByText('At 06:30, on day 1 of the month').first().waitFor()
    await page.getByText('06:30:00 Asia/Calcutta').first().waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await eventually('it is stored', async () => {
      const { schedule } = await client.jobs.get('report')
      return schedule !== undefined && 'cron' in schedule && schedule.cron === '30 6 1 * *' && schedule.timezone === 'Asia/Calcutta'
    })
    await page.getByRole('button', { name: 'Save', disabled: true }).waitFor()
    await page.getByLabel('Expression').fill('99 * * * *')
    await page.getByText('INVALID_CRON').first().waitFor()
    await visitor.visit('jobs/report?tab=history')
    await page.getByText('schedule.cron').first().waitFor()
    await visitor.leave()
  })

  test('the misfire simulator says what would have run', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await client.jobs.put({ name: 'hourly', handler: 'echo', schedule: { cron: '0 * * * *', timezone: 'UTC' } })
    await visitor.visit('jobs/hourly')
    await page.getByLabel('Missed slots').selectOption({ label: 'each runs' })
    await page.getByRole('button', { name: 'Simulate' }).click()
    await page.getByText(/2\d slots would have run late/).waitFor()
    await visitor.leave()
  })

  test('a workflow of two nodes is drawn, saved, run, and seen to become green', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('new-workflow')
    await page.getByLabel('Name', { exact: true }).fill('drawn')
    for (const id of ['first', 'second']) {
      await page.getByLabel('Add a node…').selectOption({ label: 'handler' })
      await page.getByLabel('Id', { exact: true }).fill(id)
      await page.getByLabel('Id', { exact: true }).press('Enter')
      await page.getByLabel('Handler').fill('echo')
    }
    // The second node was added behind the selected first one; the arrow is drawn again by hand.
    await page.getByRole('button', { name: 'Remove the arrow from first to second' }).click()
    await page.getByRole('button', { name: 'Remove the arrow from first to second' }).waitFor({ state: 'detached' })
    const [from, to] = [
      page.locator('[data-node="first"] .react-flow__handle-bottom'),
      page.locator('[data-node="second"] .react-flow__handle-top'),
    ]
    // The layout is another one a moment later: then the arrow is drawn where the points are by then.
    await eventually('the arrow is drawn', async () => {
      const [start, end] = [await from.boundingBox(), await to.boundingBox()]
      assert.ok(start && end)
      await page.mouse.move(start.x + 4, start.y + 4)
      await page.mouse.down()
      await page.mouse.move(end.x + 20, end.y - 10, { steps: 4 })
      await page.mouse.move(end.x + 4, end.y + 4, { steps: 4 })
      await page.mouse.up()
      return (await page.getByRole('button', { name: 'Remove the arrow from first to second' }).count()) === 1
    })
    await page.getByText('Valid, and not saved yet.').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL(/\/workflows\/drawn/)
    assert.deepEqual((await client.jobs.get('drawn')).workflow?.nodes, [
      { id: 'first', handler: 'echo' },
      { id: 'second', handler: 'echo', after: 'first' },
    ])
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click()
    for (const id of ['first', 'second']) await page.locator(`[data-node="${id}"][data-state="succeeded"]`).waitFor()
    await visitor.leave()
  })

  test('undo, the list, import, what is wrong; a change that someone else has made is not overwritten', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await client.jobs.put({ name: 'graph', workflow: { nodes: [{ id: 'one', handler: 'echo' }] } })
    await visitor.visit('workflows/graph?view=list')
    await page.getByLabel('Add a node…').selectOption({ label: 'wait' })
    await page.getByRole('listitem').filter({ hasText: 'wait' }).first().waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Valid.').waitFor()
    await page.getByRole('button', { name: 'Import' }).click()
    const text = 'nodes:\n  - { id: one, handler: echo }\n  - { id: two, handler: echo, after: none }'
    await page.getByRole('dialog').getByLabel('YAML or JSON').fill(text)
    await page.getByRole('dialog').getByRole('button', { name: 'Import' }).click()
    await page.getByText('there is no such node').first().waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByLabel('After a failure nothing new starts').check()
    await client.jobs.put({ name: 'graph', workflow: { nodes: [{ id: 'other', handler: 'echo' }] } })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Someone else has changed this job').waitFor()
    await visitor.leave()
  })

  test('a calendar is made from days, and says when they end', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.visit('calendars')
    await page.getByRole('button', { name: 'New calendar' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('holidays')
    await dialog.getByLabel('Days').fill('2030-02-30')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('INVALID_CALENDAR').waitFor()
    await dialog.getByLabel('Days').fill('2030-12-25\n2031-01-01')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('2 days, 2030-12-25 to 2031-01-01').waitFor()
    await visitor.leave()
  })

  test('what is hostile is text: names, descriptions, notes, payloads, labels of workflows', async () => {
    const nodes = [
      { id: 'd', description: EVIL, decision: [{ when: `payload == '${EVIL}'`, to: 'x' }, { otherwise: 'y' }] },
      { id: 'x', http: { url: 'https://example.com/<img onerror=alert(1)>' } },
      { id: 'y', handler: 'echo', payload: `'${LINK}'` },
    ]
    await client.jobs.put({ name: 'hostile', description: EVIL, workflow: { nodes } } as never)
    const visitor = await arrive()
    const { page } = visitor
    for (const path of [
      'jobs',
      'jobs/evil',
      'jobs/evil?tab=definition',
      'jobs/evil?tab=history',
      'workflows/hostile?node=d',
      'workflows/hostile?view=list',
    ]) {
      await visitor.visit(path)
      await page.waitForTimeout(300)
      assert.equal(await page.locator('img[src="x"]').count(), 0, path)
      assert.equal(await page.locator('a[href^="javascript"]').count(), 0, path)
    }
    await visitor.visit('jobs/report')
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByRole('dialog').getByText(EVIL).first().waitFor()
    await visitor.leave()
  })

  test('axe finds nothing on these pages, in both themes', async () => {
    await inspect(await arrive(), {
      jobs: 'jobs',
      job: 'jobs/report',
      'job-definition': 'jobs/report?tab=definition',
      'job-history': 'jobs/report?tab=history',
      'new-job': 'new-job',
      workflow: 'workflows/hostile?node=d',
      'workflow-list': 'workflows/hostile?view=list',
      calendars: 'calendars',
    })
  })

  test('nothing is wider than a phone', async () => {
    const visitor = await world().arrive(namespace, { width: 360 })
    for (const path of ['jobs', 'jobs/report', 'jobs/report?tab=definition', 'workflows/hostile', 'calendars']) {
      await visitor.visit(path)
      await visitor.picture(path.replaceAll(/\W+/g, '-'))
      assert.equal(await visitor.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, path)
    }
    await visitor.leave()
  })
}
