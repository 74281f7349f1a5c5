import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineHandler, NonRetryableError, RetryAfterError, type TaskContext } from '../index.ts'
import { testMesh } from './index.ts'

const pay = defineHandler({
  name: 'pay',
  input: z.object({ cents: z.int() }),
  output: z.object({ receipt: z.string() }),
  attempts: 3,
  backoff: { type: 'exponential', delayMs: 60_000 },
})
const HOUR = 3_600_000

test('a run has a result, progress and log lines', async () => {
  const mesh = testMesh()
  mesh.handle(pay, async (ctx) => {
    ctx.log.info('paying', { cents: ctx.payload.cents })
    await ctx.progress(50, 'half')
    return { receipt: `for ${ctx.payload.cents}` }
  })
  const run = await mesh.run(pay, { cents: 5 })
  assert.equal(run.result.receipt, 'for 5')
  assert.deepEqual([run.state, run.reason, run.attempt], ['succeeded', 'completed', 1])
  assert.deepEqual(run.progress, [{ percent: 50, note: 'half' }])
  assert.deepEqual(
    run.logs.map(({ level, message, fields, attempt }) => [level, message, fields, attempt]),
    [['info', 'paying', { cents: 5 }, 1]],
  )
  assert.throws(() => mesh.handle('late', () => 1), { code: 'INVALID_REQUEST' })
})

test('a try that fails is repeated after its pause, on the clock of the mesh alone', async () => {
  const mesh = testMesh()
  const at: number[] = []
  mesh.handle(pay, () => {
    at.push(mesh.clock.now())
    if (at.length < 3) throw new Error('not yet')
    return { receipt: 'r' }
  })
  const run = await mesh.run(pay, { cents: 5 })
  assert.deepEqual([run.result, run.attempt], [{ receipt: 'r' }, 3])
  assert.deepEqual(
    at.map((time) => time - (at[0] ?? 0)),
    [0, 60_000, 180_000],
  )
  const failed = await mesh.run('pay', { cents: 'x' }, { attempts: 3 })
  assert.deepEqual([failed.state, failed.reason, failed.attempt], ['failed', 'invalid-payload', 1])
  assert.throws(() => failed.result, { code: 'RUN_NOT_SUCCEEDED' })
})

test('time goes step by step where a test moves it', async () => {
  const mesh = testMesh()
  let calls = 0
  mesh.handle('flaky', () => {
    calls++
    throw new RetryAfterError('busy', HOUR)
  })
  const run = await mesh.start('flaky', null, { attempts: 2, delayMs: 1_000 })
  assert.deepEqual([run.state, run.reason, calls], ['delayed', 'delay', 0])
  await mesh.clock.advance(1_000)
  assert.deepEqual([run.state, run.reason, calls], ['delayed', 'retry', 1])
  await mesh.clock.advance(HOUR - 1)
  assert.equal(calls, 1)
  await mesh.clock.advance(1)
  assert.deepEqual([run.state, run.reason, calls, run.failure?.message], ['failed', 'handler-error', 2, 'busy'])
})

test('a time limit and a cancel reach the handler by its signal', async () => {
  const mesh = testMesh()
  const untilAborted = (ctx: TaskContext) =>
    new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
  mesh.handle('slow', untilAborted)
  mesh.handle('deaf', () => new Promise(() => undefined))
  const late = await mesh.start('slow', null, { timeoutMs: 5_000, attempts: 1 })
  await mesh.clock.advance(4_999)
  assert.equal(late.state, 'running')
  await mesh.clock.advance(1)
  assert.deepEqual([late.state, late.reason], ['timed_out', 'attempt-timeout'])
  const cancelled = await mesh.start('slow')
  cancelled.cancel()
  assert.deepEqual([(await cancelled.ended()).state, cancelled.reason], ['cancelled', 'cancelled-by-request'])
  const deaf = await mesh.start('deaf')
  deaf.cancel()
  assert.equal(deaf.state, 'cancelling')
  await mesh.clock.advance(5_000)
  assert.equal(deaf.state, 'cancelled')
  const queued = await mesh.start('slow', null, { delayMs: HOUR })
  queued.cancel()
  assert.equal((await queued.ended()).state, 'cancelled')
  assert.throws(() => queued.cancel(), { code: 'RUN_ENDED' })
})

test('a handler that works is waited for; what waits for time is not', async () => {
  const mesh = testMesh()
  mesh.handle('works', async () => sleep(20, 'done'))
  mesh.handle('waits', async (ctx) => {
    await ctx.sleep(500)
    await mesh.clock.sleep(900)
    await ctx.sleep(7 * 24 * HOUR)
    return ctx.attempt
  })
  const works = await mesh.run<string>('works', null, { timeoutMs: 60_000 })
  assert.equal(works.result, 'done')
  const from = mesh.clock.now()
  const waits = await mesh.run<number>('waits')
  assert.equal(waits.result, 2)
  // The second attempt waits once more for what is no step.
  assert.equal(mesh.clock.now() - from, 500 + 900 + 7 * 24 * HOUR + 900)
})

test('a run that cannot end says why', async () => {
  const mesh = testMesh({ waitMs: 20 })
  mesh.handle('stuck', () => new Promise(() => undefined))
  await assert.rejects(mesh.run('other'), { code: 'CALL_TIMEOUT', message: /no handler "other" is offered here; these are: stuck$/ })
  await assert.rejects(mesh.run('stuck'), { code: 'CALL_TIMEOUT', message: /a handler has been at work for 20 ms/ })
  await assert.rejects(mesh.run('stuck', null, { attempts: 0 }), { code: 'INVALID_REQUEST' })
})

test('steps are stored: a process that crashes after one leaves it done, before its store undone', async () => {
  for (const [when, reserved] of [
    ['crashAfterStep', 1],
    ['crashBeforeStored', 2],
  ] as const) {
    const mesh = testMesh()
    const done: string[] = []
    mesh.handle('order', async (ctx) => {
      const at = await ctx.step('reserve', () => {
        done.push('reserve')
        return new Date(mesh.clock.now())
      })
      await ctx.sleep(HOUR)
      await ctx.step('charge', () => void done.push('charge'))
      return { at, attempt: ctx.attempt }
    })
    mesh[when]('reserve')
    const before = mesh.instances
    const run = await mesh.run('order')
    assert.equal(run.state, 'succeeded')
    assert.deepEqual([done.filter((step) => step === 'reserve').length, done.at(-1)], [reserved, 'charge'])
    assert.deepEqual(
      run.steps.map(({ name, state }) => [name, state]),
      [
        ['reserve', 'done'],
        ['sleep', 'sleeping'],
        ['charge', 'done'],
      ],
    )
    assert.notDeepEqual(mesh.instances, before)
  }
})

test('a crash loses what its process runs, three in a row are poison', async () => {
  const mesh = testMesh()
  let calls = 0
  mesh.handle('deadly', () => {
    calls++
    mesh.crash()
    return new Promise(() => undefined)
  })
  const run = await mesh.run('deadly')
  assert.deepEqual([run.state, run.reason, calls], ['failed', 'poison', 3])
  assert.throws(() => mesh.crash('nobody'), { code: 'INVALID_REQUEST' })
})

test('a map-reduce goes through its stages, with schemas for its items', async () => {
  const count = defineHandler({ name: 'count', mode: 'map-reduce', shards: 2, input: z.array(z.string()), output: z.number() })
  const mesh = testMesh()
  mesh.mapReduce(count, {
    items: { word: z.string() },
    root: (ctx) => ctx.map('word', ctx.payload),
    tasks: { word: (ctx) => ctx.item.length },
    reduce: async (ctx) => added(ctx.results<number>()),
    merge: async (ctx) => added(ctx.results<number>()),
  })
  const run = await mesh.run(count, ['a', 'bc', 'def'])
  assert.equal(run.result, 6)
  assert.deepEqual(
    run.tasks.map(({ task }) => task),
    ['root', 'word', 'word', 'word', 'reduce', 'reduce', 'merge'],
  )
  const bad = await mesh.run('count', ['a', 5])
  assert.deepEqual([bad.reason, bad.tasks.map(({ reason }) => reason)], ['tasks-failed', ['invalid-payload']])
})

async function added(results: AsyncIterable<number>): Promise<number> {
  let sum = 0
  for await (const result of results) sum += result
  return sum
}

test('broadcast and shards run everywhere, and as many at once as they may', async () => {
  const mesh = testMesh({ instances: 3 })
  let [now, most] = [0, 0]
  mesh.handle('warm', async (ctx) => {
    most = Math.max(most, ++now)
    await ctx.sleep(100)
    now--
    if (ctx.shard?.index === 1 && ctx.job === undefined && ctx.payload === 'fail') throw new NonRetryableError('no')
    return ctx.shard?.item
  })
  const everywhere = await mesh.run('warm', null, { mode: 'broadcast' })
  assert.deepEqual(everywhere.result, { tasks: { succeeded: 3 } })
  assert.deepEqual(
    everywhere.tasks.map(({ instance }) => instance),
    mesh.instances,
  )
  most = 0
  const items = await mesh.run('warm', null, { items: ['a', 'b', 'c', 'd'], maxParallel: 2 })
  assert.deepEqual([items.tasks.map(({ result }) => result), most], [['a', 'b', 'c', 'd'], 2])
  const failed = await mesh.run('warm', 'fail', { shards: 4 })
  assert.deepEqual([failed.state, failed.reason, failed.view.result], ['failed', 'tasks-failed', { tasks: { succeeded: 3, failed: 1 } }])
  assert.equal((await mesh.run('warm', 'fail', { shards: 4, tolerate: '25%' })).state, 'succeeded')
})

test('code that starts runs has a client', async () => {
  const mesh = testMesh()
  mesh.handle('parent', async (ctx) => {
    const child = await mesh.client.run<number>('child', ctx.payload, { key: `child of ${ctx.runId}` })
    return { child: child.id, result: await child.result() }
  })
  mesh.handle('child', (ctx) => Number(ctx.payload) * 2)
  const run = await mesh.run<{ child: string; result: number }>('parent', 21)
  assert.equal(run.result.result, 42)
  assert.equal(mesh.runOf(run.result.child).state, 'succeeded')
  assert.deepEqual((await mesh.client.runs.get(run.id)).result, run.result)
  const ids: string[] = []
  for await (const { runId } of mesh.client.runs.list({ limit: 1 })) ids.push(runId)
  assert.deepEqual(ids, [run.result.child, run.id])
  await assert.rejects(mesh.client.jobs.get('x'), { code: 'NO_SERVICE' })
  const again = await mesh.client.run('child', 1, { key: 'k' })
  assert.equal((await mesh.client.run('child', 1, { key: 'k' })).id, again.id)
  await assert.rejects(mesh.client.run('child', 2, { key: 'k' }), { code: 'KEY_CONFLICT' })
})

test('what a run keeps for the next one, the slot that it chooses, and its result are there', async () => {
  const mesh = testMesh()
  mesh.handle('poll', async (ctx) => {
    const { page = 0 } = await ctx.data<{ page: number }>()
    const last = await ctx.lastResult<number>()
    assert.equal(await ctx.setData({ page: page + 1 }), true)
    const next = await ctx.nextAt(60_000)
    assert.equal(next?.getTime(), mesh.clock.now() + 60_000)
    return (last ?? 0) + 10
  })
  assert.deepEqual(mesh.memoryOf('poll'), { data: {}, nextAt: undefined })
  await mesh.run('poll')
  const { result } = await mesh.run<number>('poll')
  const { data, nextAt } = mesh.memoryOf('poll')
  assert.deepEqual([result, data, Date.parse(nextAt ?? '') > mesh.clock.now()], [20, { page: 2 }, true])
})

test('a choice or data that makes no sense fails the run', async () => {
  const wrong: Readonly<Record<string, [RegExp, (ctx: TaskContext) => unknown]>> = {
    soon: [/^next is wrong: "soon"/, (ctx) => ctx.nextAt('soon' as never)],
    never: [/^next is wrong: Invalid Date/, (ctx) => ctx.nextAt(new Date('never'))],
    list: [/^data is wrong: \[1\]/, (ctx) => ctx.setData([1])],
    map: [/data/, (ctx) => ctx.setData({ map: new Map() })],
    large: [/data .*16/, (ctx) => ctx.setData({ text: 'x'.repeat(20_000) })],
    // Also a call that is not awaited.
    bare: [/data .*16/, (ctx) => void ctx.setData({ text: 'x'.repeat(20_000) })],
  }
  for (const [name, [message, call]] of Object.entries(wrong)) {
    const mesh = testMesh()
    mesh.handle(name, async (ctx) => call(ctx))
    const run = await mesh.run(name)
    assert.equal(run.state, 'failed', name)
    assert.match(run.failure?.message ?? '', message)
  }
})

test('a run is paused between two tries: its time stands still, and what it waits for is said', async () => {
  const mesh = testMesh({ waitMs: 50 })
  mesh.handle('flaky', ({ attempt }) => {
    if (attempt === 1) throw new Error('not yet')
    return attempt
  })
  const options = { attempts: 2, backoff: { type: 'fixed', delayMs: 60_000 }, runTimeoutMs: 3_600_000 } as const
  const run = await mesh.start('flaky', null, options)
  assert.equal(run.state, 'delayed')
  run.pause()
  run.pause()
  assert.deepEqual([run.state, run.view.pausedAt], ['paused', '2026-01-01T00:00:00.000Z'])
  await mesh.clock.advance(10 * 3_600_000)
  assert.equal(run.state, 'paused')
  await assert.rejects(run.ended(), { code: 'CALL_TIMEOUT', message: /it is paused: let it go on with run\.resume\(\)$/ })
  run.resume()
  assert.equal((await run.ended()).result, 2)
  assert.equal(run.view.pausedMs, 10 * 3_600_000)
  assert.throws(() => run.pause(), { code: 'RUN_ENDED' })
  assert.throws(() => run.resume(), { code: 'RUN_ENDED' })
})

test('a run with one task is not paused while it is at work; of shards nothing begins', async () => {
  const mesh = testMesh()
  const begun: number[] = []
  mesh.handle('part', async ({ shard }) => {
    begun.push(shard?.index ?? -1)
    await mesh.clock.sleep(1_000)
  })
  const single = await mesh.start('part')
  assert.throws(() => single.pause(), { code: 'RUN_NOT_PAUSABLE', message: /its only task is running/ })
  await single.ended()
  begun.length = 0
  const run = await mesh.start('part', null, { shards: 3, maxParallel: 1 })
  run.pause()
  await mesh.clock.advance(60_000)
  assert.deepEqual([run.state, begun, run.tasks.map(({ state }) => state)], ['paused', [0], ['succeeded', 'waiting', 'waiting']])
  await mesh.client.runs.resume(run.id)
  assert.equal((await run.ended()).state, 'succeeded')
  assert.deepEqual(begun, [0, 1, 2])
})

test('a run expires when nobody begins it; one that takes too long is cancelled, and timed out', async () => {
  const mesh = testMesh()
  mesh.handle('waits', ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))))
  const late = await mesh.run('nobody', null, { deadlineMs: 5_000 })
  assert.deepEqual([late.state, late.reason, late.failure?.name], ['expired', 'deadline', 'DeadlineExceeded'])
  const long = await mesh.start('waits', null, { runTimeoutMs: 5_000, attempts: 3 })
  await mesh.clock.advance(5_000)
  assert.deepEqual([long.state, long.reason, long.attempt], ['timed_out', 'run-timeout', 1])
})

test('what would not hold here is refused', async () => {
  const mesh = testMesh()
  mesh.handle('h', () => 1)
  for (const [field, options] of Object.entries({
    labels: { labels: { gpu: 'yes' } },
    route: { route: 'first' },
    maxConcurrent: { maxConcurrent: 1 },
  }))
    await assert.rejects(mesh.start('h', null, options as object), new RegExp(`${field} is not followed here`))
  await assert.rejects(mesh.client.workflows.put({ name: 'x', workflow: { nodes: [{ id: 'a', handler: 'h' }] } }), {
    code: 'NO_SERVICE',
    message: /does not answer jobs\.put/,
  })
  await assert.rejects(mesh.client.runs.signal('k'.repeat(26), 'paid'), { code: 'NO_SERVICE' })
})
