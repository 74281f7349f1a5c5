import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declareJobSchema, jobInputSchema, LIMITS } from '@carillon/contracts'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'

const put = ({ changeJobs }: TestCoordinator, fields: object, by = 'ada') =>
  changeJobs.put('default', jobInputSchema.parse({ name: 'report', ...fields }), { by })
const declare = ({ changeJobs }: TestCoordinator, version: number, fields: object = {}) =>
  changeJobs.declare('default', declareJobSchema.parse({ name: 'report', ...fields, version }), 'billing')
const history = ({ readJobs }: TestCoordinator, query: { cursor?: string; limit?: number } = {}) =>
  readJobs.changes.list('default', { name: 'report', limit: 20, ...query })

const DAILY = { schedule: { cron: '@daily' } }
const HOURLY = { schedule: { cron: '@hourly' } }

test('each change says who made it and what differs; what changes nothing is none', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs } = coordinator
  await put(coordinator, DAILY)
  assert.equal((await put(coordinator, DAILY, 'bob')).revision, 1)
  await put(coordinator, { ...HOURLY, payload: { day: 1 } }, 'bob')
  await changeJobs.pause('default', 'report', { note: 'repair', by: 'ada' })
  await changeJobs.resume('default', 'report', 'ada')
  const { items } = await history(coordinator)
  assert.deepEqual(
    items.map(({ revision, change, by }) => [revision, change, by]),
    [
      [4, 'resumed', 'ada'],
      [3, 'paused', 'ada'],
      [2, 'put', 'bob'],
      [1, 'put', 'ada'],
    ],
  )
  assert.deepEqual(items[1]?.fields, [
    { field: 'state', from: 'active', to: 'paused' },
    { field: 'note', to: 'repair' },
  ])
  assert.deepEqual(items[2]?.fields, [
    { field: 'schedule.cron', from: '@daily', to: '@hourly' },
    { field: 'payload.day', to: 1 },
  ])
  assert.ok(items[3]?.fields?.some(({ field }) => field === 'handler'))
})

test('a page ends with the difference from what is on the next one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  for (let i = 1; i <= 5; i++) await put(coordinator, { description: `number ${i}` })
  const first = await history(coordinator, { limit: 2 })
  const second = await history(coordinator, { limit: 2, cursor: first.next as string })
  const third = await history(coordinator, { limit: 2, cursor: second.next as string })
  assert.deepEqual(
    [first, second, third].map(({ items, next }) => [items.map(({ fields }) => fields?.at(-1)?.from), next === undefined]),
    [
      [['number 4', 'number 3'], false],
      [['number 2', 'number 1'], false],
      [[undefined], true],
    ],
  )
  await assert.rejects(history(coordinator, { cursor: 'x' }), { code: 'INVALID_REQUEST' })
})

test('a job that was removed keeps its history, and its name goes on with it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await put(coordinator, DAILY)
  await coordinator.changeJobs.remove('default', 'report', { keepRuns: false, by: 'ada' })
  assert.deepEqual(
    (await history(coordinator)).items.map(({ change }) => change),
    ['removed', 'put'],
  )
  assert.equal((await put(coordinator, HOURLY)).revision, 3)
  const [again] = (await history(coordinator)).items
  assert.deepEqual(
    again?.fields?.find(({ field }) => field === 'schedule.cron'),
    { field: 'schedule.cron', to: '@hourly' },
  )
  await assert.rejects(coordinator.readJobs.changes.list('default', { name: 'nobody', limit: 5 }), { code: 'JOB_NOT_FOUND' })
})

test('a change is kept although the coordinator stops before the next one is stored, and the oldest go', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await put(coordinator, DAILY)
  const { jobs } = coordinator.store
  const { replace } = jobs
  jobs.replace = () => Promise.reject(new Error('stopped'))
  await assert.rejects(put(coordinator, HOURLY))
  jobs.replace = replace
  assert.deepEqual(
    (await history(coordinator)).items.map(({ revision }) => revision),
    [1],
  )
  for (let i = 0; i < LIMITS.changesPerJob + 5; i++) await put(coordinator, { description: `number ${i}` })
  const { items } = await history(coordinator, { limit: LIMITS.changesPerJob })
  assert.deepEqual([items.length, items.at(-1)?.fields], [LIMITS.changesPerJob, undefined])
})

test('a large value is shortened in a history', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await put(coordinator, { payload: 'x'.repeat(400_000) })
  await put(coordinator, { payload: 'y'.repeat(400_000) })
  const [change] = (await history(coordinator)).items
  const { from, to } = change?.fields?.[0] ?? {}
  assert.match(String(from), /^"x{2047}… \(400002 letters\)$/)
  assert.match(String(to), /^"y{2047}… \(400002 letters\)$/)
})

test('code declares a job: a higher version replaces, the same again is nothing, a lower one and another of the same version are refused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  assert.equal((await declare(coordinator, 2, DAILY)).outcome, 'created')
  const same = await declare(coordinator, 2, DAILY)
  assert.deepEqual([same.outcome, same.job.revision, same.job.version, same.job.by], ['unchanged', 1, 2, 'billing'])
  await assert.rejects(declare(coordinator, 2, HOURLY), { code: 'JOB_VERSION_CONFLICT', message: /another schedule/ })
  await assert.rejects(declare(coordinator, 1, HOURLY), { code: 'JOB_VERSION_OLD' })
  const next = await declare(coordinator, 3, HOURLY)
  assert.deepEqual([next.outcome, next.job.version, next.job.schedule], ['replaced', 3, { cron: '@hourly', timezone: 'UTC' }])
  assert.deepEqual(
    (await history(coordinator)).items.map(({ change, version }) => [change, version]),
    [
      ['declared', 3],
      ['declared', 2],
    ],
  )
})

test("an operator's edit and pause win over declarations until the job is released", async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs } = coordinator
  await declare(coordinator, 1, DAILY)
  assert.equal((await put(coordinator, HOURLY)).edited, true)
  assert.equal((await declare(coordinator, 1, DAILY)).outcome, 'edited')
  const newer = await declare(coordinator, 2, { ...DAILY, description: 'of version 2' })
  assert.deepEqual([newer.outcome, newer.job.version, newer.job.edited, newer.job.description], ['edited', 2, true, undefined])
  await changeJobs.pause('default', 'report', { by: 'ada' })
  const released = await changeJobs.release('default', 'report', 'ada')
  assert.deepEqual(
    [released.state, released.description, released.edited, released.schedule],
    ['paused', 'of version 2', undefined, { cron: '@daily', timezone: 'UTC' }],
  )
  assert.equal((await changeJobs.release('default', 'report', 'ada')).revision, released.revision)
  assert.equal((await declare(coordinator, 3, HOURLY)).outcome, 'replaced')
  assert.equal((await coordinator.readJobs.get('default', 'report')).state, 'paused')
})

test('who puts what code has declared has edited nothing; a job that was put before code declared it is edited', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await put(coordinator, DAILY)
  await assert.rejects(coordinator.changeJobs.release('default', 'report'), { code: 'INVALID_REQUEST' })
  assert.equal((await declare(coordinator, 1, HOURLY)).outcome, 'edited')
  assert.equal((await put(coordinator, { ...HOURLY, attempts: 1, handler: 'report' })).edited, undefined)
  assert.equal((await declare(coordinator, 2, DAILY)).outcome, 'replaced')
})
