import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type CarillonError, type JobInput, jobInputSchema } from '@carillon/contracts'

import { FakeClock } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import { ALL_SHARES, finish, pass, quiet, statesOf, wake } from '../testing/gated-runs.ts'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

/** A coordinator with a job `report`. */
async function createGated(context: TestContext, rules: Partial<JobInput>, options: { store?: Store; clock?: FakeClock } = {}) {
  const coordinator = await createTestCoordinator(context, options)
  await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'report', ...rules }))
  return coordinator
}

async function start(coordinator: TestCoordinator, count: number, request: Record<string, unknown> = {}): Promise<string[]> {
  const items = Array.from({ length: count }, () => ({
    ...({ namespace: 'default', bytes: 0, trigger: 'call', traceparent: undefined } as const),
    request: { job: 'report', ...request },
  }))
  const started = await coordinator.startRuns.execute(items)
  await quiet()
  return started.map((one) => {
    assert.ok('runId' in one, String(one))
    return one.runId
  })
}

async function begin(coordinator: TestCoordinator, id: string): Promise<void> {
  const { attempt } = await runOf(coordinator, id)
  await coordinator.applyReports.execute([reportsFrom('i-1', { type: 'started', runId: id, taskId: id, attempt })])
}

test('serial: one at a time, in the order of their arrival; one that is cancelled while it waits is passed over', async (context) => {
  const coordinator = await createGated(context, { overlap: 'serial' })
  const [first, second, third, fourth] = (await start(coordinator, 4)) as [string, string, string, string]
  assert.deepEqual(await statesOf(coordinator, [first, second, third, fourth]), ['queued', ...Array(3).fill('waiting gate')])
  const { message } = await coordinator.readRuns.get('default', second)
  assert.match(message ?? '', new RegExp(first))
  await coordinator.changeRuns.cancel('default', second)
  await finish(coordinator, first)
  assert.deepEqual(await statesOf(coordinator, [second, third, fourth]), ['cancelled cancelled-by-request', 'queued', 'waiting gate'])
  await finish(coordinator, third)
  await finish(coordinator, fourth)
  assert.deepEqual(await statesOf(coordinator, [third, fourth]), ['succeeded completed', 'succeeded completed'])
  await coordinator.clock.advance(61_000)
  await wake(coordinator)
  assert.deepEqual(await coordinator.store.gates.due({ until: Number.MAX_SAFE_INTEGER, shares: ALL_SHARES, limit: 10 }), [])
})

test('serial: a thousand wait, what comes then is recorded as skipped', async (context) => {
  const coordinator = await createGated(context, { overlap: 'serial' })
  const ids = await start(coordinator, 1_010)
  const states = await statesOf(coordinator, ids)
  assert.equal(states[0], 'queued')
  assert.deepEqual(new Set(states.slice(1, 1_001)), new Set(['waiting gate']))
  assert.deepEqual(states.slice(1_001), Array(9).fill('skipped overlap'))
})

test('discard: what comes while a run is open is skipped, and says why', async (context) => {
  const coordinator = await createGated(context, { overlap: 'discard' })
  const [first, second] = (await start(coordinator, 2)) as [string, string]
  assert.deepEqual(await statesOf(coordinator, [first, second]), ['queued', 'skipped overlap'])
  assert.match((await coordinator.readRuns.get('default', second)).message ?? '', new RegExp(first))
  await finish(coordinator, first)
  const [third] = (await start(coordinator, 1)) as [string]
  assert.deepEqual(await statesOf(coordinator, [third]), ['queued'])
})

test('replace: the old run has ended before the new one starts; those in between never start', async (context) => {
  const coordinator = await createGated(context, { overlap: 'replace' })
  const [old] = (await start(coordinator, 1)) as [string]
  await begin(coordinator, old)
  const [second] = (await start(coordinator, 1)) as [string]
  const [third] = (await start(coordinator, 1)) as [string]
  assert.deepEqual(await statesOf(coordinator, [old, second, third]), ['cancelling replaced', 'cancelled replaced', 'waiting gate'])
  assert.deepEqual(coordinator.fake.publishedTo('control.i-1').at(-1), { type: 'cancel', taskId: old })
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { type: 'finished', runId: old, taskId: old, attempt: 1, outcome: 'cancelled', durationMs: 1 }),
  ])
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [old, third]), ['cancelled replaced', 'queued'])
  const [fourth] = (await start(coordinator, 1)) as [string]
  assert.deepEqual(await statesOf(coordinator, [third, fourth]), ['cancelled replaced', 'queued'])
})

test('replace: a run whose start is not reported yet may run, so what replaces it waits until it is confirmed', async (context) => {
  const coordinator = await createGated(context, { overlap: 'replace' })
  coordinator.presence.alive.set('report', ['i-1'])
  const [old, second] = [...(await start(coordinator, 1)), ...(await start(coordinator, 1))] as [string, string]
  assert.deepEqual(await statesOf(coordinator, [old, second]), ['cancelling replaced', 'waiting gate'])
  assert.deepEqual(coordinator.fake.publishedTo('control.i-1').at(-1), { type: 'cancel', taskId: old })
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { type: 'finished', runId: old, taskId: old, attempt: 1, outcome: 'cancelled', durationMs: 1 }),
  ])
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [old, second]), ['cancelled replaced', 'queued'])
  const [third] = (await start(coordinator, 1)) as [string]
  assert.deepEqual(await statesOf(coordinator, [second, third]), ['cancelling replaced', 'waiting gate'])
  const claim = { taskId: second, attempt: 1, instance: 'i-1', redelivered: false }
  assert.deepEqual(await coordinator.claimTask.execute('default', claim), { run: false, reason: 'the task is cancelled: replaced' })
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [second, third]), ['cancelled replaced', 'queued'])
  await start(coordinator, 1)
  assert.deepEqual(await statesOf(coordinator, [third]), ['cancelling replaced'])
  await pass(coordinator, 8_000)
  assert.deepEqual(await statesOf(coordinator, [third]), ['cancelled replaced'])
})

test('serial: the place of a run that is cancelled before its start is reported is free when that is confirmed', async (context) => {
  const coordinator = await createGated(context, { overlap: 'serial' })
  coordinator.presence.alive.set('report', ['i-1'])
  const [first, second] = (await start(coordinator, 2)) as [string, string]
  await coordinator.changeRuns.cancel('default', first)
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [first, second]), ['cancelling', 'waiting gate'])
  assert.deepEqual(coordinator.fake.publishedTo('control.i-1').at(-1), { type: 'cancel', taskId: first })
  await pass(coordinator, 8_000)
  assert.deepEqual(await statesOf(coordinator, [first, second]), ['cancelled cancelled-by-request', 'queued'])
})

test('recover: failed tasks of the open run run again instead; when none has failed the new run is skipped', async (context) => {
  const coordinator = await createGated(context, { overlap: 'recover', shards: 2, tolerate: '100%' })
  const [open] = (await start(coordinator, 1)) as [string]
  const tasksOf = async () => (await coordinator.store.tasks.list({ runId: open, limit: 10 })).items
  assert.deepEqual(
    (await tasksOf()).map(({ state }) => state),
    ['queued', 'queued'],
  )
  const [second] = (await start(coordinator, 1)) as [string]
  const [failing, other] = await tasksOf()
  const end = (task: typeof failing, outcome: string) => {
    const report = { type: 'finished', runId: open, taskId: task?.id, attempt: task?.attempt, outcome, durationMs: 1, result: 1 }
    return coordinator.applyReports.execute([reportsFrom('i-1', report)])
  }
  await end(failing, 'failed')
  await quiet()
  const [third] = (await start(coordinator, 1)) as [string]
  assert.deepEqual(await statesOf(coordinator, [open, second, third]), ['running', 'skipped overlap', 'skipped recovered'])
  const [again] = await tasksOf()
  assert.deepEqual([again?.state, again?.attempt], ['queued', 2])
  await end(again, 'succeeded')
  await end(other, 'succeeded')
  await quiet()
  const [fourth] = (await start(coordinator, 1)) as [string]
  assert.deepEqual(await statesOf(coordinator, [open, fourth]), ['succeeded completed', 'running'])
})

test('maxConcurrent: so many are open at once, retries keep their place, and a manual retry comes last', async (context) => {
  const coordinator = await createGated(context, { maxConcurrent: 2, attempts: 2 })
  const [first, second, third, fourth] = (await start(coordinator, 4)) as [string, string, string, string]
  assert.deepEqual(await statesOf(coordinator, [first, second, third]), ['queued', 'queued', 'waiting gate'])
  const failed = { type: 'finished', runId: first, taskId: first, attempt: 1, outcome: 'failed', durationMs: 1 }
  await coordinator.applyReports.execute([reportsFrom('i-1', failed)])
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [first, third]), ['delayed retry', 'waiting gate'])
  await coordinator.applyReports.execute([
    reportsFrom('i-1', { ...failed, runId: second, taskId: second, error: { message: 'no', retryable: false } }),
  ])
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [second, third, fourth]), ['failed non-retryable', 'queued', 'waiting gate'])
  await coordinator.changeRuns.retry('default', { runId: second, only: undefined, fromStep: undefined })
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [second]), ['waiting gate'])
  await finish(coordinator, third)
  assert.deepEqual(await statesOf(coordinator, [fourth, second]), ['queued', 'waiting gate'])
  await finish(coordinator, fourth)
  assert.deepEqual(await statesOf(coordinator, [second]), ['queued'])
})

test('a run that was asked for later arrives at its gate when it is due', async (context) => {
  const coordinator = await createGated(context, { overlap: 'serial' })
  const [later] = (await start(coordinator, 1, { delayMs: 1_000 })) as [string]
  const [now] = (await start(coordinator, 1)) as [string]
  await coordinator.clock.advance(1_000)
  await wake(coordinator)
  assert.deepEqual(await statesOf(coordinator, [later, now]), ['waiting gate', 'queued'])
  await finish(coordinator, now)
  assert.deepEqual(await statesOf(coordinator, [later]), ['queued'])
})

test('a deadline holds for what waits, at once and later', async (context) => {
  const coordinator = await createGated(context, { overlap: 'serial' })
  const [first] = (await start(coordinator, 1)) as [string]
  const [soon] = (await start(coordinator, 1, { deadlineMs: 500 })) as [string]
  const [later] = (await start(coordinator, 1, { deadlineMs: 30_000 })) as [string]
  await coordinator.clock.advance(500)
  await wake(coordinator)
  assert.deepEqual(await statesOf(coordinator, [soon, later]), ['expired deadline', 'waiting gate'])
  await coordinator.clock.advance(2_000)
  await wake(coordinator)
  await coordinator.clock.advance(27_500)
  await wake(coordinator)
  assert.deepEqual(await statesOf(coordinator, [first, later]), ['queued', 'expired deadline'])
})

test('keys: each has places of its own; no key is one of its own, and 1 is not "1"', async (context) => {
  const coordinator = await createGated(context, { concurrencyKey: 'payload.tenant' })
  const of = async (tenant: unknown) => (await start(coordinator, 1, { payload: tenant === undefined ? {} : { tenant } })) as [string]
  const [[a], [b], [number], [text], [none]] = [await of('a'), await of('b'), await of(1), await of('1'), await of(undefined)]
  assert.deepEqual(await statesOf(coordinator, [a, b, number, text, none]), Array(5).fill('queued'))
  const [[a2], [none2]] = [await of('a'), await of(null)]
  assert.deepEqual(await statesOf(coordinator, [a2, none2]), ['waiting gate', 'waiting gate'])
  await finish(coordinator, a, none)
  assert.deepEqual(await statesOf(coordinator, [a2, none2]), ['queued', 'queued'])
  const [refused] = await coordinator.startRuns.execute([
    { namespace: 'default', bytes: 0, trigger: 'call', traceparent: undefined, request: { job: 'report', payload: { tenant: { id: 1 } } } },
  ])
  assert.match(String(refused), /concurrencyKey/)
})

test('keys of a job with a limit take turns: one that floods delays the others by its own runs under way alone', async (context) => {
  const coordinator = await createGated(context, { concurrencyKey: 'payload', maxPerKey: 2, maxConcurrent: 3 })
  const flood = await start(coordinator, 50, { payload: 'flood' })
  const others: string[] = []
  for (const key of ['*', '', '__proto__', 'a', 'b']) others.push(...(await start(coordinator, 2, { payload: key })))
  assert.deepEqual((await statesOf(coordinator, flood)).filter((state) => state === 'queued').length, 2)
  const order: string[] = []
  for (let open = await queuedOf(coordinator); open.length > 0; open = await queuedOf(coordinator)) {
    assert.ok(open.length <= 3)
    order.push(open[0]!)
    await coordinator.clock.advance(1)
    await finish(coordinator, open[0]!)
  }
  assert.equal(order.length, 60)
  const place = (id: string) => order.indexOf(id)
  assert.ok(Math.max(...others.map(place)) < 30, 'the others are through long before the one that floods')
})

async function queuedOf(coordinator: TestCoordinator): Promise<string[]> {
  const { items } = await coordinator.store.runs.list({ namespace: 'default', states: ['queued'], limit: 100 })
  return items.sort((one, other) => one.queuedAt! - other.queuedAt! || one.gateOrder! - other.gateOrder!).map(({ id }) => id)
}

test('rate: so many start within any period; the others wait until there is room again', async (context) => {
  const coordinator = await createGated(context, { rate: { count: 2, periodMs: 1_000 } })
  const ids = await start(coordinator, 5)
  const queued = async () => (await statesOf(coordinator, ids)).filter((state) => state === 'queued').length
  assert.equal(await queued(), 2)
  await coordinator.clock.advance(900)
  await wake(coordinator)
  assert.equal(await queued(), 2)
  assert.match((await coordinator.readRuns.get('default', ids[2]!)).message ?? '', /the next start is allowed at/)
  await coordinator.clock.advance(101)
  await wake(coordinator)
  assert.equal(await queued(), 4)
  await coordinator.clock.advance(1_001)
  await wake(coordinator)
  assert.equal(await queued(), 5)
})

test('a coordinator that stops between any two writes leaves what another one continues', async (context) => {
  const store = await openStore('sqlite::memory:')
  context.after(() => store.close())
  const clock = new FakeClock()
  const coordinator = await createGated(context, { overlap: 'serial' }, { store, clock })
  const [first] = (await start(coordinator, 1)) as [string]
  // It is stored and nobody has been notified.
  const dying = await createTestCoordinator(context, { store, clock })
  dying.gateHints.arrived = () => undefined
  const [second, third] = (await start(dying, 2)) as [string, string]
  // The end of the first one is applied, and its place is not freed.
  dying.gateHints.ended = () => undefined
  await finish(dying, first)
  assert.deepEqual(await statesOf(coordinator, [second, third]), ['waiting gate', 'waiting gate'])
  await clock.advance(2_000)
  await wake(coordinator)
  assert.deepEqual(await statesOf(coordinator, [second, third]), ['queued', 'waiting gate'])
  // It was given a place, and is not freed.
  const [gate] = await store.gates.get([(await runOf(coordinator, second)).gate!])
  const { gateKey, gateOrder } = await runOf(coordinator, third)
  const holders = { runs: [{ id: third, key: gateKey, order: gateOrder }] }
  await finish(dying, second)
  await store.gates.put([{ gate: { ...gate!, holders, revision: gate!.revision + 1 }, expect: gate!.revision }])
  await clock.advance(10_000)
  await wake(coordinator)
  assert.deepEqual(await statesOf(coordinator, [third]), ['queued'])
})

test('when a job is removed what waits is cancelled; a job without limits lets everything through', async (context) => {
  const coordinator = await createGated(context, { overlap: 'serial' })
  const ids = await start(coordinator, 3)
  await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'report' }))
  coordinator.jobs.forget('default', 'report')
  await coordinator.clock.advance(10_000)
  await wake(coordinator)
  assert.deepEqual(await statesOf(coordinator, ids), Array(3).fill('queued'))
  await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'report', overlap: 'serial' }))
  coordinator.jobs.forget('default', 'report')
  const more = await start(coordinator, 2)
  await coordinator.changeJobs.remove('default', 'report', { keepRuns: false })
  assert.deepEqual((await statesOf(coordinator, more)).at(-1), 'cancelled job-removed')
})

test('a limit that is raised lets more in at once; one that is lowered ends none', async (context) => {
  const coordinator = await createGated(context, { maxConcurrent: 2 })
  const ids = await start(coordinator, 4)
  const put = async (maxConcurrent: number) => {
    await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'report', maxConcurrent }))
    coordinator.jobs.forget('default', 'report')
    coordinator.gateHints.jobChanged('default', 'report')
    await quiet()
  }
  await put(1)
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'queued', 'waiting gate', 'waiting gate'])
  await put(3)
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'queued', 'queued', 'waiting gate'])
})

test('rules that contradict each other are refused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  for (const [rules, field] of [
    [{ maxPerKey: 2 }, 'maxPerKey'],
    [{ rate: { count: 1, periodMs: 1_000, by: 'key' } }, 'rate.by'],
    [{ overlap: 'parallel', maxConcurrent: 2 }, 'overlap'],
    [{ overlap: 'recover', maxConcurrent: 2 }, 'overlap'],
    [{ overlap: 'discard', concurrencyKey: 'payload', maxConcurrent: 2 }, 'overlap'],
    [{ concurrencyKey: 'payload +' }, 'concurrencyKey'],
    [{ concurrencyKey: '[payload]' }, 'concurrencyKey'],
  ] as const)
    await assert.rejects(
      async () => coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'report', ...rules })),
      (error: CarillonError) => error.details.field === field,
      JSON.stringify(rules),
    )
})

test('a run whose gate was written, but that was not freed before its coordinator stopped, is freed within ten seconds', async (context) => {
  const coordinator = await createGated(context, { maxConcurrent: 1 })
  const [id] = (await start(coordinator, 1)) as [string]
  const unfreed = { state: 'waiting', queuedAt: null, wakeAt: null } as const
  assert.deepEqual(await coordinator.store.runs.update([{ id, expect: { state: ['queued'] }, set: unfreed }]), ['applied'])
  await coordinator.clock.advance(10_000)
  await wake(coordinator)
  assert.deepEqual(await statesOf(coordinator, [id]), ['queued'])
})
