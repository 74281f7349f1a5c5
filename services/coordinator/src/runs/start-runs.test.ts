import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type StartedRun } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { aJob } from '@carillon/store/testing'
import { createTestCoordinator, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

async function start(coordinator: TestCoordinator, ...requests: object[]) {
  const outcomes = await coordinator.startRuns.execute(
    requests.map((request) => ({ namespace: 'default', request, bytes: 0, trigger: 'call', traceparent: undefined })),
  )
  await settle()
  return outcomes as Partial<StartedRun & CarillonError>[]
}

test('runs are stored, published and announced', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const [outcome] = await start(coordinator, { handler: 'mail', payload: { to: 'a@b.c' } })
  assert.equal(outcome?.created, true)
  const run = await runOf(coordinator, outcome?.runId ?? '')
  assert.deepEqual([run.state, run.payload, run.attempts], ['queued', '{"to":"a@b.c"}', 1])
  const [work] = coordinator.fake.publishedTo('work.mail.normal')
  assert.deepEqual([work?.['taskId'], work?.['attempt'], work?.['payload']], [run.id, 1, { to: 'a@b.c' }])
  assert.equal(coordinator.fake.publishedTo(`live.run.${run.id}.created`).length, 1)
})

test('what cannot be published after the answer is left to the repair, and ends no process', async (context) => {
  const coordinator = await createTestCoordinator(context)
  coordinator.fake.refusal = () => ({ message: 'the connection is closed' })
  const [outcome] = await start(coordinator, { handler: 'mail' })
  assert.equal(outcome?.created, true)
  await settle()
  assert.equal((await runOf(coordinator, outcome?.runId ?? '')).state, 'queued')
  assert.ok(coordinator.work.unconfirmedIds.has(outcome?.runId ?? ''))
})

test('in a bulk each item has an outcome of its own, and a wrong one disturbs no other', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const outcomes = await start(coordinator, { job: 'a' }, { job: 'a.b' }, { job: 'a', payload: 2 ** 53 }, {}, { job: 'b' }, 5 as never)
  assert.deepEqual(
    outcomes.map((outcome) => outcome.code ?? outcome.created),
    [true, 'INVALID_NAME', 'INTEGER_TOO_LARGE', 'INVALID_REQUEST', true, 'INVALID_REQUEST'],
  )
})

test('one key is one run: twice in one batch, and again later', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const request = { job: 'a', payload: 1, key: 'order-1' }
  const outcomes = await start(coordinator, request, request, { ...request, payload: 2 })
  assert.deepEqual(
    outcomes.map(({ created, code }) => created ?? code),
    [true, false, 'KEY_CONFLICT'],
  )
  assert.equal(outcomes[0]?.runId, outcomes[1]?.runId)
  assert.match(outcomes[2]?.message ?? '', new RegExp(`run ${outcomes[0]?.runId}`))
  const [again, otherJob] = await start(coordinator, request, { ...request, job: 'b' })
  assert.deepEqual([again?.created, again?.runId, otherJob?.code], [false, outcomes[0]?.runId, 'KEY_CONFLICT'])
  assert.equal(coordinator.fake.publishedTo('work.').length, 1)
})

test('the requests are compared, as JSON values, never what the job added to them', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, jobs } = coordinator
  await store.jobs.insert(aJob('report', { payload: '{"of":"job"}' }))
  const base = { job: 'report', at: '2030-01-31T09:00:00Z', payload: { a: 1, b: { c: [1, 2], d: null } } }
  const asked = [
    { ...base, key: 'k' },
    { ...base, id: '0123456789abcdefghijklmnop' },
    { job: 'report', key: 'bare' },
  ] as const
  for (const request of asked) assert.equal((await start(coordinator, request))[0]?.created, true)
  // Since then the job has another payload, handler, mode and tries.
  const job = aJob('report', {
    revision: 2,
    payload: '"new"',
    handler: 'other',
    mode: 'shards',
    plan: { shards: 3 },
    attempts: 9,
    timeoutMs: 5,
  })
  await store.jobs.replace(job, { revision: 1 })
  jobs.forget('default', 'report')
  const reordered = { payload: { b: { d: null, c: [1, 2] }, a: 1 }, at: '2030-01-31T10:00:00.000+01:00' }
  for (const request of asked) {
    const [again] = await start(coordinator, { ...request, ...('at' in request ? reordered : {}) })
    assert.equal(again?.created, false, `${JSON.stringify(request)}: ${again?.message}`)
  }
  const others: [object, string][] = [
    [{ payload: { a: 1, b: { c: [2, 1], d: null } } }, 'payload'],
    [{ payload: undefined }, 'payload'],
    [{ at: '2030-01-31T09:00:01Z' }, 'at'],
    [{ at: undefined, delayMs: 5 }, 'at'],
    [{ attempts: 2 }, 'attempts'],
    [{ backoff: { type: 'fixed', delayMs: 1 } }, 'backoff'],
    [{ timeoutMs: 7 }, 'timeoutMs'],
    [{ mode: 'broadcast' }, 'mode'],
    [{ shards: 2 }, 'shards'],
    [{ items: [1] }, 'items'],
    [{ job: undefined, handler: 'report' }, 'handler'],
    [{ job: 'else' }, 'job'],
  ]
  for (const [said, field] of others) {
    const [outcome] = await start(coordinator, { ...asked[0], ...said })
    assert.equal(outcome?.code, 'KEY_CONFLICT', field)
    assert.match(outcome?.message ?? '', new RegExp(`^key "k" belongs to run k.*, asked for with another ${field}$`))
  }
})

test('a message that fires a job with a key is compared as a call is; an id must be repeated as it was', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const ask = async (request: object, id?: string) => {
    const [outcome] = await coordinator.startRuns.execute([
      { namespace: 'default', request, bytes: 0, trigger: 'stream', traceparent: undefined, ...(id ? { id } : {}) },
    ])
    return CarillonError.is(outcome) ? outcome.message : outcome?.created
  }
  assert.equal(await ask({ job: 'a', key: 'k', payload: { x: 1, y: 2 } }, 't0123456789abcdef'), true)
  assert.equal(await ask({ job: 'a', key: 'k', payload: { y: 2, x: 1 } }, 't1123456789abcdef'), false)
  assert.match(String(await ask({ job: 'a', key: 'k', delayMs: 10, payload: { y: 2, x: 1 } })), /with another delayMs$/)
  const id = 't2123456789abcdef'
  assert.equal(await ask({ job: 'a', payload: { x: 1 } }, id), true)
  await coordinator.store.jobs.insert(aJob('a', { handler: 'a', payload: '7', mode: 'broadcast', plan: {} }))
  coordinator.jobs.forget('default', 'a')
  assert.equal(await ask({ job: 'a', payload: { x: 1 } }, id), false)
  assert.match(String(await ask({ job: 'a', payload: { x: 2 } }, id)), /with another payload$/)
})

test('a key holds for what the tasks are as well: other items are another request', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const request = { job: 'a', key: 'order-1', items: ['x', 'y'], maxParallel: 1 }
  const outcomes = await start(coordinator, request, { ...request }, { ...request, items: ['x', 'z'] }, { job: 'a', key: 'order-1' })
  assert.deepEqual(
    outcomes.map(({ created, code }) => created ?? code),
    [true, false, 'KEY_CONFLICT', 'KEY_CONFLICT'],
  )
})

test('a start that is sent again with its id is the same run, of another namespace a conflict that tells nothing', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const request = { job: 'a', id: '0123456789abcdefghijklmnop' }
  assert.equal((await start(coordinator, request))[0]?.created, true)
  assert.equal((await start(coordinator, request))[0]?.created, false)
  const [foreign] = await coordinator.startRuns.execute([{ namespace: 'shop', request, bytes: 0, trigger: 'call', traceparent: undefined }])
  assert.ok(CarillonError.is(foreign))
  assert.equal(foreign.code, 'KEY_CONFLICT')
  assert.doesNotMatch(foreign.message, /default|of a/)
})

test('what a request leaves open comes from the job; a change of it shows at once', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.store.jobs.insert(aJob('report', { handler: 'make', payload: '{"day":1}', attempts: 3 }))
  const [first] = await start(coordinator, { job: 'report' })
  const run = await runOf(coordinator, first?.runId ?? '')
  assert.deepEqual([run.job, run.handler, run.payload, run.tries], ['report', 'make', '{"day":1}', 3])
  await coordinator.store.jobs.replace(aJob('report', { handler: 'other', revision: 2 }), { revision: 1 })
  coordinator.jobs.forget('default', 'report')
  const [second] = await start(coordinator, { job: 'report' })
  assert.equal((await runOf(coordinator, second?.runId ?? '')).handler, 'other')
  const [byHandler] = await start(coordinator, { handler: 'report' })
  assert.equal((await runOf(coordinator, byHandler?.runId ?? '')).job, null)
})

test('a job that was read while it was changed is not remembered', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.store.jobs.insert(aJob('report', { handler: 'old' }))
  const reading = coordinator.jobs.find([{ namespace: 'default', name: 'report' }])
  coordinator.jobs.forget('default', 'report')
  assert.equal((await reading)[0]?.handler, 'old')
  await coordinator.store.jobs.replace(aJob('report', { handler: 'new', revision: 2 }), { revision: 1 })
  assert.equal((await coordinator.jobs.find([{ namespace: 'default', name: 'report' }]))[0]?.handler, 'new')
})

test('more jobs than are remembered lose none of those that are read together', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.store.jobs.insert(aJob('known', { handler: 'known' }))
  await coordinator.jobs.find([{ namespace: 'default', name: 'known' }])
  await coordinator.jobs.find(Array.from({ length: 10_001 }, (_, i) => ({ namespace: 'default', name: `other-${i}` })))
  const names = ['known', 'one-more']
  const [known] = await coordinator.jobs.find(names.map((name) => ({ namespace: 'default', name })))
  assert.equal(known?.handler, 'known')
})

test('a run for later is not published', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const [outcome] = await start(coordinator, { job: 'a', delayMs: 60 * 86_400_000 })
  assert.equal((await runOf(coordinator, outcome?.runId ?? '')).state, 'delayed')
  assert.equal(coordinator.fake.publishedTo('work.').length, 0)
  assert.deepEqual(
    coordinator.armed.map(({ kind, wakeAt }) => [kind, wakeAt]),
    [['runs', coordinator.clock.now() + 60 * 86_400_000]],
  )
})

test('what the broker does not take keeps the checkpoint behind it, until it is taken', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, fake, work } = coordinator
  fake.refusal = ({ subject }) => (subject.includes('.work.') ? { code: 10077 - 1, message: 'full' } : undefined)
  const queuedAt = clock.now()
  const [outcome] = await start(coordinator, { job: 'a' })
  await clock.advance(60_000)
  assert.deepEqual([work.publishedBefore(), [...work.unconfirmedIds]], [queuedAt, [outcome?.runId]])
  fake.refusal = () => undefined
  const run = await runOf(coordinator, outcome?.runId ?? '')
  work.publish({ run, task: run }, { again: true, knownAt: clock.monotonic() })
  await settle()
  assert.deepEqual([work.publishedBefore(), work.unconfirmedIds.size], [clock.now(), 0])
})

test('the checkpoint stays behind a run that is being written', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, work } = coordinator
  let finish = () => undefined as unknown
  const insert = store.runs.insert.bind(store.runs)
  store.runs.insert = (runs) =>
    new Promise((resolve, reject) => {
      finish = () => insert(runs).then(resolve, reject)
    })
  const queuedAt = clock.now()
  const starting = start(coordinator, { job: 'a' })
  await clock.advance(3_000)
  assert.equal(work.publishedBefore(), queuedAt)
  finish()
  await starting
  assert.equal(work.publishedBefore(), clock.now())
})

test('the work message of a small run does not wait for large ones that are on their way to the broker', async (context) => {
  const coordinator = await createTestCoordinator(context)
  let thereIsRoom: () => void = () => undefined
  const room = new Promise<void>((resolve) => (thereIsRoom = resolve))
  Object.assign(coordinator.fake.publisher, { outstandingBytes: 3 * 1024 * 1024, room: () => room })
  await start(coordinator, { handler: 'large', payload: 'x'.repeat(100_000) }, { handler: 'small', payload: 1 })
  const published = () => coordinator.fake.publishedTo('work').map(({ handler }) => handler)
  await settle()
  assert.deepEqual(published(), ['small'])
  thereIsRoom()
  await settle()
  assert.deepEqual(published(), ['small', 'large'])
})

test('of many starts of a large job few runs are written at once', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store } = coordinator
  await store.jobs.insert(aJob('large', { payload: JSON.stringify('x'.repeat(500 * 1024)) }))
  const sizes: number[] = []
  const insert = store.runs.insert.bind(store.runs)
  store.runs.insert = (runs) => {
    sizes.push(runs.length)
    return insert(runs)
  }
  const outcomes = await start(coordinator, ...Array.from({ length: 10 }, () => ({ job: 'large' })), { job: 'small' })
  assert.ok(outcomes.every(({ created }) => created))
  assert.deepEqual(sizes, [4, 4, 3])
})
