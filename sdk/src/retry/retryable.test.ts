import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { NonRetryableError, RetryAfterError } from '../executor/handler-errors.ts'
import { testMesh } from '../testing/test-mesh.ts'
import type { RetryableOptions } from './retry-options.ts'
import { retryHeaders, retryScope, withRetryHeaders } from './retry-scope.ts'
import type { Deferred } from './retryable.ts'

const isRefused = (code: string, field: string) => (error: unknown) =>
  CarillonError.is(error) && error.code === code && error.details.field === field
const FAST = { local: { attempts: 1 } } as const

/** Fails so many times, then answers. */
function flaky(failures: number) {
  const calls: unknown[][] = []
  const run = (...args: unknown[]) => {
    calls.push(args)
    if (calls.length <= failures) throw new Error(`no ${calls.length}`)
    return calls.length
  }
  return { calls, run }
}

test('a call that succeeds answers what the function returns, and starts nothing', async () => {
  const mesh = testMesh()
  const double = mesh.retryable({ scene: 'double' }, (value: number) => value * 2)
  assert.equal(await double(4), 8)
})

test('the caller tries three times, two seconds apart at most, and gets the value', async () => {
  const mesh = testMesh()
  const { calls, run } = flaky(2)
  const price = mesh.retryable({ scene: 'price' }, run)
  const answer = price('a')
  await mesh.clock.advance(4_000)
  assert.equal(await answer, 3)
  assert.deepEqual(calls, [['a'], ['a'], ['a']])
})

test('what the caller cannot do the mesh does later, with the arguments and scene defaults', async () => {
  const mesh = testMesh()
  const { calls, run } = flaky(3)
  const price = mesh.retryable({ scene: 'price', local: { attempts: 2, delayMs: 1_000 } }, run)
  const answering = price({ sku: 'A1' }, 2)
  await mesh.clock.advance(1_000)
  const { deferred, keptIn, duplicateOf } = (await answering) as Deferred
  assert.deepEqual([keptIn, duplicateOf], ['mesh', undefined])
  const run1 = await mesh.runOf(deferred).ended()
  assert.deepEqual([run1.state, run1.result], ['succeeded', 4])
  assert.deepEqual(
    calls,
    Array.from({ length: 4 }, () => [{ sku: 'A1' }, 2]),
  )
  const view = await mesh.client.runs.get(deferred)
  assert.deepEqual([view.attempts, view.handler, view.payload, view.attempt], [5, 'price', [{ sku: 'A1' }, 2], 2])
})

test('with the strategy local the last error reaches the caller, with remote it is tried once', async () => {
  const mesh = testMesh()
  const one = flaky(9)
  const local = mesh.retryable({ scene: 'one', strategy: 'local', local: { attempts: 2, delayMs: 0 } }, one.run)
  const failing = local()
  const failed = assert.rejects(failing, { message: 'no 2' })
  await mesh.clock.advance(1)
  await failed
  const two = flaky(1)
  const remote = mesh.retryable({ scene: 'two', strategy: 'remote' }, two.run)
  const { deferred } = (await remote()) as Deferred
  assert.equal(two.calls.length, 1)
  assert.equal((await mesh.runOf(deferred).ended()).result, 2)
})

test('the same call is retried once: a further one is a duplicate, by its arguments or by the key of the user', async () => {
  const mesh = testMesh()
  const failing = () => {
    throw new Error('down')
  }
  const byAll = mesh.retryable({ scene: 'all', ...FAST }, failing as (a: object) => never)
  const byKey = mesh.retryable({ scene: 'key', key: ({ sku }: { sku: string }) => sku, ...FAST }, failing as (a: { sku: string }) => never)
  const none = mesh.retryable({ scene: 'none', key: () => undefined, ...FAST }, failing as (a: number) => never)
  const first = (await byAll({ a: 1, b: 2 })) as Deferred
  const again = (await byAll({ b: 2, a: 1 })) as Deferred
  assert.deepEqual([again.deferred, again.duplicateOf], [first.deferred, first.deferred])
  assert.deepEqual([first.state, again.state], [undefined, 'delayed'])
  const { state } = await mesh.runOf(first.deferred).ended()
  assert.equal(state, 'failed')
  assert.equal(((await byAll({ a: 1, b: 2 })) as Deferred).state, 'failed')
  assert.notEqual(((await byAll({ a: 2, b: 2 })) as Deferred).deferred, first.deferred)
  const keyed = (await byKey({ sku: 'x' })) as Deferred
  assert.equal(((await byKey({ sku: 'x' })) as Deferred).duplicateOf, keyed.deferred)
  assert.notEqual(((await none(1)) as Deferred).deferred, ((await none(1)) as Deferred).deferred)
})

test('the key and the arguments are those before the call, which changes them', async () => {
  const mesh = testMesh()
  const order = mesh.retryable({ scene: 'order', ...FAST }, (a: { lines: number[] }) => {
    a.lines.push(9)
    throw new Error('down')
  })
  const { deferred } = (await order({ lines: [1] })) as Deferred
  assert.deepEqual((await mesh.client.runs.get(deferred)).payload, [{ lines: [1] }])
  assert.equal(((await order({ lines: [1] })) as Deferred).duplicateOf, deferred)
})

test('what must not be tried again is thrown at once; a pause that the error requests is kept', async () => {
  const mesh = testMesh()
  const calls: string[] = []
  const pay = mesh.retryable({ scene: 'pay', nonRetryable: ['RangeError'] }, (what: string) => {
    calls.push(what)
    if (what === 'never') throw new NonRetryableError('no')
    if (what === 'range') throw new RangeError('out')
    throw new RetryAfterError('later', 3_600_000)
  })
  await assert.rejects(pay('never'), { message: 'no' })
  await assert.rejects(pay('range'), { message: 'out' })
  const { deferred } = (await pay('later')) as Deferred
  assert.deepEqual(calls, ['never', 'range', 'later'])
  const { dueAt } = await mesh.client.runs.get(deferred)
  assert.equal(Date.parse(dueAt as string) - mesh.clock.now(), 3_600_000)
})

test('only the outermost function retries: in a try of the caller, of the mesh, and of another service', async () => {
  const mesh = testMesh()
  let inner = 0
  const scopes: (string | undefined)[] = []
  const below = mesh.retryable({ scene: 'below' }, () => {
    inner++
    scopes.push(retryHeaders()['Carillon-Retry'])
    throw new Error('below is down')
  })
  const above = mesh.retryable({ scene: 'above', attempts: 2, ...FAST }, () => below())
  const { deferred } = (await above()) as Deferred
  const { state } = await mesh.runOf(deferred).ended()
  assert.deepEqual([state, inner, scopes], ['failed', 3, ['above/1', 'above/1', 'above/2']])
  await assert.rejects(
    async () => withRetryHeaders({ 'carillon-retry': 'elsewhere/3', 'carillon-left-ms': '500' }, () => below()),
    /below is down/,
  )
  assert.equal(inner, 4)
  assert.equal(scopes.at(-1), 'elsewhere/3')
  assert.equal(retryScope(), undefined)
})

test('a run that is started in a try is part of it: a retryable function of its handler tries once', async () => {
  const mesh = testMesh()
  const inner = flaky(10)
  const pay = mesh.retryable({ scene: 'pay', local: { attempts: 3, delayMs: 0 } }, inner.run)
  mesh.handle('charge', () => pay())
  const order = mesh.retryable({ scene: 'order', strategy: 'local', local: { attempts: 1 } }, async () => (await mesh.start('charge')).id)
  const marked = await mesh.runOf(await order()).ended()
  assert.deepEqual([marked.state, inner.calls.length], ['failed', 1])
  const plain = await (await mesh.start('charge')).ended()
  assert.deepEqual([plain.state, inner.calls.length], ['succeeded', 4])
})

test('the time that is left travels as a duration, and where it is too short there is no further try', async () => {
  const mesh = testMesh()
  let left: string | undefined
  const slow = mesh.retryable({ scene: 'slow', deadlineMs: 20_000, local: { attempts: 2, delayMs: 50_000 } }, () => {
    left = retryHeaders()['Carillon-Left-Ms']
    throw new Error('down')
  })
  const { deferred } = (await slow()) as Deferred
  assert.equal(left, '20000')
  const { dueAt } = await mesh.client.runs.get(deferred)
  assert.ok(Date.parse(dueAt as string) - mesh.clock.now() <= 15_000)
  const late = mesh.retryable({ scene: 'late', deadlineMs: 4_000, ...FAST }, () => {
    throw new Error('too late')
  })
  await assert.rejects(late() as Promise<unknown>, /too late/)
})

for (const [what, args, field] of [
  ['a bigint', [1n], 'arguments.0'],
  ['a map within', [{ of: [new Map()] }], 'arguments.0.of.0'],
  ['a date', [{ at: new Date(0) }], 'arguments.0.at'],
  ['a function', [() => 1], 'arguments.0'],
  ['a gap', [undefined, 1], 'arguments.0'],
  ['a list with a gap', [[1, undefined]], 'arguments.0.1'],
] as const)
  test(`arguments that a retry would not get as they are are refused before anything is called: ${what}`, async () => {
    const mesh = testMesh()
    const { calls, run } = flaky(0)
    const call = mesh.retryable({ scene: 'json' }, run)
    await assert.rejects(call(...args), isRefused('INVALID_JSON', field))
    assert.equal(calls.length, 0)
    const local = mesh.retryable({ scene: 'local', strategy: 'local' }, run)
    assert.equal(await local(...args), 1)
  })

test('trailing arguments that are left out stay so', async () => {
  const mesh = testMesh()
  const { calls, run } = flaky(1)
  const call = mesh.retryable({ scene: 'opt', ...FAST }, run)
  const { deferred } = (await call(1, undefined)) as Deferred
  await mesh.runOf(deferred).ended()
  assert.deepEqual(calls[1], [1])
})

for (const [options, code, field] of [
  [{ scene: 'a b' }, 'INVALID_NAME', 'scene'],
  [{}, 'INVALID_NAME', 'scene'],
  [{ scene: 'x', strategy: 'both' }, 'INVALID_REQUEST', 'strategy'],
  [{ scene: 'x', retries: 3 }, 'INVALID_REQUEST', 'retries'],
  [{ scene: 'x', key: 'sku' }, 'INVALID_REQUEST', 'key'],
  [{ scene: 'x', local: { attempts: 0 } }, 'INVALID_REQUEST', 'local.attempts'],
  [{ scene: 'x', local: { delay: 'soon' } }, 'INVALID_DELAY', 'local.delay'],
  [{ scene: 'x', local: { pause: '2s' } }, 'INVALID_REQUEST', 'local.pause'],
  [{ scene: 'x', timeout: '1s', timeoutMs: 1 }, 'INVALID_DELAY', 'timeout'],
  [{ scene: 'x', onExhausted: { job: 'a', timeout: 'x' } }, 'INVALID_DELAY', 'onExhausted.timeout'],
  [{ scene: 'x', local: { delayMs: 3_600_000 } }, 'INVALID_REQUEST', 'local.delayMs'],
  [{ scene: 'x', strategy: 'remote', local: { attempts: 2 } }, 'INVALID_REQUEST', 'local.attempts'],
  [{ scene: 'x', attempts: 0 }, 'INVALID_REQUEST', 'attempts'],
  [{ scene: 'x', timeoutMs: 0 }, 'INVALID_DELAY', 'timeoutMs'],
  [{ scene: 'x', deadlineMs: -1 }, 'INVALID_DELAY', 'deadlineMs'],
  [{ scene: 'x', budget: { count: 0, periodMs: 1_000 } }, 'INVALID_REQUEST', 'budget.count'],
  [{ scene: 'x', budget: { count: 1, periodMs: 1 } }, 'INVALID_REQUEST', 'budget.periodMs'],
  [{ scene: 'x', budget: { count: 1, periodMs: 1_000, by: 'key' } }, 'INVALID_REQUEST', 'budget.by'],
  [{ scene: 'x', backoff: { type: 'cron', cron: '* * * * *' } }, 'INVALID_REQUEST', 'backoff'],
  [{ scene: 'x', onExhausted: 'a b' }, 'INVALID_NAME', 'retry.onExhausted.job'],
] as const)
  test(`options that are wrong are refused: ${JSON.stringify(options)}`, () => {
    assert.throws(() => testMesh().retryable(options as never as RetryableOptions, () => 1), isRefused(code, field))
  })

test('durations may be text', async () => {
  const mesh = testMesh()
  const { calls, run } = flaky(2)
  const backoff = { type: 'list', delays: ['1m'] } as const
  const budget = { count: 5, period: '1m' } as const
  const call = mesh.retryable({ scene: 'x', local: { attempts: 2, delay: '10s' }, timeout: '1m', backoff, budget, deadline: '1h' }, run)
  const answering = call()
  await mesh.clock.advance(9_000)
  await mesh.clock.advance(1_000)
  const { deferred } = (await answering) as Deferred
  assert.equal(calls.length, 2)
  await mesh.clock.advance(60_000)
  assert.equal((await mesh.runOf(deferred).ended()).result, 3)
})

test('callers try a fifth of their calls again by themselves, and a few at once: in a storm the first tries pass, and the rest is left to the mesh', async () => {
  const mesh = testMesh()
  const { calls, run } = flaky(1_000)
  const call = mesh.retryable({ scene: 'storm', local: { attempts: 2, delayMs: 0 }, key: () => undefined }, run)
  const all = Promise.all(Array.from({ length: 100 }, () => call()))
  await mesh.clock.advance(1)
  await all
  // 20 at once, and a fifth of the 99 further calls.
  assert.equal(calls.length, 139)
})

test('a key that is no text is refused at the call, and so are headers that say nothing', async () => {
  const mesh = testMesh()
  const call = mesh.retryable({ scene: 'x', key: () => 7 as never }, () => 1)
  await assert.rejects(call() as Promise<unknown>, isRefused('INVALID_REQUEST', 'key'))
  for (const retry of ['x', 'x/0', 'x/1/2', 'a b/1'])
    assert.throws(() => withRetryHeaders({ 'Carillon-Retry': retry }, () => 1), isRefused('INVALID_HEADER', 'Carillon-Retry'))
  assert.throws(
    () => withRetryHeaders({ 'Carillon-Retry': 'x/1', 'Carillon-Left-Ms': '-1' }, () => 1),
    isRefused('INVALID_HEADER', 'Carillon-Left-Ms'),
  )
  assert.equal(
    withRetryHeaders({}, () => 1),
    1,
  )
  assert.equal(
    withRetryHeaders(new Headers({ 'carillon-retry': 'x/2' }), () => retryScope()?.attempt),
    2,
  )
})

test('a retry calls back at its end, expires by its deadline, and shows the tries that failed', async () => {
  const mesh = testMesh()
  const heard: Record<string, unknown>[] = []
  mesh.handle<{ retry: Record<string, unknown> }>('heard', ({ payload }) => void heard.push(payload.retry))
  const { run } = flaky(3)
  const fails = flaky(1_000).run
  const backoff = { type: 'fixed', delayMs: 10_000 } as const
  const policy = { strategy: 'remote', attempts: 3, backoff, onSuccess: 'heard', onExhausted: 'heard' } as const
  const recovers = mesh.retryable({ ...policy, scene: 'recovers' }, run)
  const given = mesh.retryable({ ...policy, scene: 'given-up', deadlineMs: 15_000 }, fails)
  const ends = async (answer: unknown) => mesh.runOf((answer as Deferred).deferred).ended()
  const succeeded = await ends(await recovers())
  await mesh.clock.advance(1)
  const failed = await ends(await given())
  await mesh.clock.advance(1)
  assert.deepEqual(
    heard.map(({ scene, outcome, attempts, localTries }) => [scene, outcome, attempts, localTries]),
    [
      ['recovers', 'succeeded', 3, 1],
      ['given-up', 'exhausted', 2, 1],
    ],
  )
  assert.equal(succeeded.view.retry?.failed?.length, 2)
  assert.deepEqual([failed.state, failed.reason, failed.view.retry?.onExhausted], ['timed_out', 'run-timeout', 'heard'])
})
