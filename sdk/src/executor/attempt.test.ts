import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TIMES, type WorkMessage } from '@carillon/contracts'
import { FakeClock, signal } from '@carillon/wire/testing'
import type { Msg } from '@nats-io/transport-node'
import { z } from 'zod'
import { NO_TRACE } from '../telemetry.ts'
import { type AbortKind, Attempt } from './attempt.ts'
import { currentAttempt, type RunningAttempt } from './exit-watch.ts'
import { type HandlerOptions, type OfferedHandler, offeredHandler, withOutput } from './handler.ts'
import { NonRetryableError } from './handler-errors.ts'
import { HeldTask } from './held-task.ts'
import type { Ending } from './report-text.ts'
import type { TaskCalls } from './task-calls.ts'
import type { TaskContext } from './task-context.ts'

type Run = (context: TaskContext) => unknown

function startAttempt(run: Run, more: { work?: Partial<WorkMessage>; options?: HandlerOptions } = {}) {
  const clock = new FakeClock()
  const work: WorkMessage = { runId: 'r', taskId: 't', handler: 'h', attempt: 1, payload: { to: 'x' }, ...more.work }
  const ended = signal<Ending | undefined>()
  const endings: (Ending | undefined)[] = []
  const unstuck: Attempt[] = []
  const attempt: Attempt = new Attempt({
    task: new HeldTask(work, {} as Msg, { heldAt: clock.now() }),
    handler: offeredHandler('h', run as OfferedHandler['run'], more.options),
    clock,
    calls: {} as TaskCalls,
    trace: NO_TRACE,
    observer: {
      onBegin: () => undefined,
      onProgress: () => undefined,
      onLog: () => undefined,
      onUnstuck: () => void unstuck.push(attempt),
      onEnd: (_attempt, ending) => {
        endings.push(ending as Ending | undefined)
        ended.fire(ending as Ending | undefined)
      },
    },
  })
  attempt.start()
  return { attempt, clock, ended: ended.fired, endings, unstuck }
}

type Settle = (body: ReturnType<typeof settleable>) => void
const settleable = () => {
  let resolve: (value: unknown) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<unknown>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
const never = () => new Promise(() => undefined)

test('a result is written as JSON, whether the handler is async or not', async () => {
  assert.deepEqual(await startAttempt(() => ({ a: 1 })).ended, { outcome: 'succeeded', resultText: '{"a":1}' })
  assert.deepEqual(await startAttempt(async () => undefined).ended, { outcome: 'succeeded', resultText: 'null' })
})

test('an attempt that blocked the event loop beyond its limit has timed out, whatever its handler did; one within it has not', async () => {
  const blocked = async (ms: number, end: Settle) => {
    const body = settleable()
    const { clock, ended } = startAttempt(() => body.promise, { work: { timeoutMs: 1_000 } })
    clock.standStill(ms)
    end(body)
    return (await ended)?.outcome
  }
  assert.equal(await blocked(1_001, ({ resolve }) => resolve(1)), 'timed_out')
  assert.equal(await blocked(1_001, ({ reject }) => reject(new Error('no'))), 'timed_out')
  assert.equal(await blocked(1_000, ({ resolve }) => resolve(1)), 'succeeded')
})

test('a result that cannot be kept fails the task', async () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  for (const [result, name] of [
    [cyclic, 'RESULT_NOT_JSON'],
    [5n, 'RESULT_NOT_JSON'],
    [new Map(), 'RESULT_NOT_JSON'],
    [{ tags: new Set() }, 'RESULT_NOT_JSON'],
    [new Error('returned'), 'RESULT_NOT_JSON'],
    [{ ns: 2 ** 60 }, 'INTEGER_TOO_LARGE'],
    [JSON.parse('['.repeat(65) + ']'.repeat(65)), 'JSON_TOO_DEEP'],
    ['x'.repeat(300_000), 'RESULT_TOO_LARGE'],
  ] as const) {
    const ending = await startAttempt(() => result).ended
    assert.equal(ending?.reason, 'invalid-result')
    assert.equal(ending?.error?.name, name)
  }
})

test('thrown values fail the task; NonRetryableError says so', async () => {
  const plain = await startAttempt(async () => {
    throw new TypeError('wrong')
  }).ended
  assert.deepEqual([plain?.outcome, plain?.reason, plain?.error?.name], ['failed', undefined, 'TypeError'])
  const final = await startAttempt(() => {
    throw new NonRetryableError('never')
  }).ended
  assert.deepEqual([final?.reason, final?.error?.retryable], ['non-retryable', false])
})

test('whatever is thrown ends the task', async () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const hostile = new Proxy(new Error('x'), {
    get: () => {
      throw new Error('no')
    },
    getPrototypeOf: () => {
      throw new Error('no')
    },
  })
  for (const [thrown, message] of [
    [null, 'A handler threw null'],
    [undefined, 'A handler threw undefined'],
    [new Map(), 'A handler threw Map(0) {}'],
    [proxy, /^A handler threw /],
    [hostile, ''],
    [
      {
        get message() {
          throw new Error('no')
        },
      },
      '',
    ],
  ] as const) {
    const ending = await startAttempt(() => {
      throw thrown
    }).ended
    assert.deepEqual([ending?.outcome, ending?.reason], ['failed', undefined])
    if (message instanceof RegExp) assert.match(ending?.error?.message ?? '', message)
    else assert.equal(ending?.error?.message, message)
  }
})

test('an abort is seen by the handler; what it returns then does not count', async () => {
  const reasons: string[] = []
  const cases = [
    ['timeout', 'timed_out', 'TimeoutError'],
    ['cancel', 'cancelled', 'AbortError'],
  ] as const
  for (const [kind, outcome, name] of cases) {
    const untilAborted: Run = (context) =>
      new Promise((resolve) => context.signal.addEventListener('abort', () => resolve(reasons.push(context.signal.reason.name))))
    const { attempt, clock, ended } = startAttempt(untilAborted, { work: { timeoutMs: 100 } })
    if (kind === 'timeout') clock.elapse(100)
    else attempt.abort(kind)
    assert.equal((await ended)?.outcome, outcome)
    assert.equal(reasons.at(-1), name)
    assert.equal(clock.armed, 0)
  }
})

test('what listens for an abort is code of the handler: what it throws is held against its task', () => {
  for (const kind of ['timeout', 'cancel'] as const) {
    const attempts: (RunningAttempt | undefined)[] = []
    const listening: Run = (context) => {
      context.signal.addEventListener('abort', () => attempts.push(currentAttempt()))
      return never()
    }
    const { attempt, clock } = startAttempt(listening, { work: { timeoutMs: 100 } })
    if (kind === 'timeout') clock.elapse(100)
    else attempt.abort(kind)
    assert.deepEqual(attempts, [attempt])
  }
})

test('a handler that never settles ends after the grace', () => {
  const { clock, endings, attempt } = startAttempt(never, { work: { timeoutMs: 100 } })
  clock.elapse(100 + TIMES.graceMs - 1)
  assert.equal(endings.length, 0)
  clock.elapse(1)
  assert.equal(endings[0]?.outcome, 'timed_out')
  assert.ok(attempt.isOver)
  attempt.abort('cancel')
  clock.elapse(TIMES.graceMs)
  assert.equal(endings.length, 1)
})

test('a handler that outlives its attempt is stuck until it settles, well or not', async () => {
  const cases: [AbortKind, Settle][] = [
    ['timeout', (body) => body.resolve(1)],
    ['timeout', (body) => body.reject(new Error('late'))],
    ['cancel', (body) => body.resolve(1)],
  ]
  for (const [kind, settle] of cases) {
    const body = settleable()
    const { attempt, clock, endings, unstuck } = startAttempt(() => body.promise)
    attempt.abort(kind)
    clock.elapse(TIMES.graceMs)
    assert.deepEqual([endings.length, attempt.isStuck, attempt.isOver], [1, true, true])
    clock.elapse(1_000)
    assert.equal(attempt.stuckForMs, 1_000)
    settle(body)
    await new Promise(setImmediate)
    assert.deepEqual([endings.length, attempt.isStuck, unstuck.length], [1, false, 1])
  }
})

test('a handler that ends within the grace was never stuck', async () => {
  const body = settleable()
  const { attempt, clock, ended, unstuck } = startAttempt(() => body.promise)
  attempt.abort('cancel')
  clock.elapse(TIMES.graceMs - 1)
  body.resolve(1)
  assert.equal((await ended)?.outcome, 'cancelled')
  assert.deepEqual([attempt.isStuck, unstuck.length], [false, 0])
})

test('a drain ends without a report', () => {
  const { attempt, clock, endings } = startAttempt(never)
  attempt.abort('drain')
  clock.elapse(TIMES.graceMs)
  assert.deepEqual(endings, [undefined])
})

test('a payload that its schema refuses does not reach the handler', async () => {
  const input = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: async () => ({ issues: [{ message: 'no address', path: ['to', { key: 0 }] }] }),
    },
  }
  let calls = 0
  const ending = await startAttempt(() => calls++, { options: { input } }).ended
  assert.deepEqual([ending?.reason, ending?.error?.message, calls], ['invalid-payload', 'to.0: no address', 0])
})

test('what a handler returns is checked, and handed on as its schema makes it', async () => {
  for (const output of [z.object({ cents: z.coerce.number() }), z.object({ cents: z.coerce.number() }).refine(async () => true)]) {
    const returning = (result: unknown) => startAttempt(withOutput((() => result) as OfferedHandler['run'], output) as Run).ended
    assert.deepEqual(await returning({ cents: '7', more: 1 }), { outcome: 'succeeded', resultText: '{"cents":7}' })
    assert.deepEqual(await returning(Promise.resolve({ cents: 8 })), { outcome: 'succeeded', resultText: '{"cents":8}' })
    const refused = await returning({ cents: 'x' })
    assert.equal(refused?.reason, 'invalid-result')
    assert.match(refused?.error?.message ?? '', /^cents: /)
  }
})
