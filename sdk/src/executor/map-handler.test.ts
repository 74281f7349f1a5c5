import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type WorkMessage } from '@carillon/contracts'
import { FakeClock, signal } from '@carillon/wire/testing'
import type { Msg } from '@nats-io/transport-node'
import { z } from 'zod'
import { NO_TRACE } from '../telemetry.ts'
import { Attempt } from './attempt.ts'
import { handlerInfo, type OfferedHandler } from './handler.ts'
import { HeldTask } from './held-task.ts'
import { offeredMapHandler } from './map-handler.ts'
import type { Ending } from './report-text.ts'
import type { TaskCalls } from './task-calls.ts'
import type { RunningContext } from './task-context.ts'

type Definition = Parameters<typeof offeredMapHandler>[1]
const parts = { root: () => 'root', tasks: { page: (ctx: unknown) => (ctx as RunningContext).item } } as unknown as Definition
const reducing = { ...parts, reduce: () => 'reduce', merge: () => 'merge' }
const define = (definition: object = reducing, kind: 'map' | 'map-reduce' = 'map-reduce') =>
  offeredMapHandler('count', definition as Definition, { kind })

/** How an attempt at this work ends. */
async function run(handler: OfferedHandler, work: Partial<WorkMessage>, calls: Partial<TaskCalls> = {}): Promise<Ending | undefined> {
  const clock = new FakeClock()
  const ended = signal<Ending | undefined>()
  const message: WorkMessage = { runId: 'r', taskId: 'r-a', handler: 'count', attempt: 1, payload: null, ...work }
  const attempt = new Attempt({
    task: new HeldTask(message, {} as Msg, { heldAt: clock.now() }),
    handler,
    clock,
    calls: calls as TaskCalls,
    trace: NO_TRACE,
    observer: {
      onBegin: () => undefined,
      onProgress: () => undefined,
      onLog: () => undefined,
      onUnstuck: () => undefined,
      onEnd: (_attempt, ending) => ended.fire(ending as Ending | undefined),
    },
  })
  attempt.start()
  while (!attempt.isOver) {
    clock.turn()
    await new Promise(setImmediate)
  }
  return ended.fired
}

test('each task runs the function of its name', async () => {
  const handler = define()
  for (const task of ['root', 'reduce', 'merge'])
    assert.deepEqual(await run(handler, { task }), { outcome: 'succeeded', resultText: `"${task}"` })
  assert.deepEqual(await run(handler, { task: 'page', item: { file: 'a' } }), { outcome: 'succeeded', resultText: '{"file":"a"}' })
})

test('its kind is announced', () => {
  assert.deepEqual(handlerInfo(define()), { name: 'count', kind: 'map-reduce' })
  assert.deepEqual(handlerInfo(define(parts, 'map')), { name: 'count', kind: 'map' })
})

test('a task that it has no function for fails at once, and says why', async () => {
  const handlers = { 'map-reduce': define(), map: define(parts, 'map'), unmerged: define({ ...parts, reduce: () => 1 }) }
  for (const [handler, task, text] of [
    [handlers['map-reduce'], 'chapter', /no function for tasks named "chapter"/],
    [handlers['map-reduce'], 'toString', /no function for tasks named "toString"/],
    [handlers['map-reduce'], '__proto__', /no function for tasks named "__proto__"/],
    [handlers.map, 'reduce', /no function for tasks named "reduce"/],
    [handlers.unmerged, 'merge', /no function for tasks named "merge"/],
    [handlers.map, undefined, /needs mode "map"/],
    [handlers['map-reduce'], undefined, /needs mode "map-reduce"/],
  ] as const) {
    const ending = await run(handler, task === undefined ? {} : { task })
    assert.deepEqual([ending?.outcome, ending?.reason], ['failed', 'non-retryable'], task)
    assert.match(ending?.error?.message ?? '', text)
  }
})

test('names that a map gives itself, and such as are none, are refused', () => {
  for (const name of ['root', 'reduce', 'merge', 'a.b', '', '__proto__', 'x'.repeat(65)]) {
    const tasks = Object.fromEntries([[name, () => 1]])
    assert.throws(() => define({ ...parts, tasks }), /INVALID_(NAME|REQUEST)|task/, name)
  }
})

test('missing functions are reported at once, by their name', () => {
  for (const [definition, kind, field] of [
    [{ ...parts, root: undefined }, 'map', 'root'],
    [{ ...parts, tasks: { page: 'no function' } }, 'map', 'page'],
    [parts, 'map-reduce', 'reduce'],
    [{ ...reducing, merge: 5 }, 'map-reduce', 'merge'],
    [{ root: parts.root }, 'map', 'tasks'],
    [{ ...parts, tasks: null }, 'map', 'tasks'],
    [{ ...parts, items: { page: {} } }, 'map', 'items.page'],
    [{ ...parts, items: { chapter: z.string() } }, 'map', 'items.chapter'],
  ] as const) {
    assert.throws(
      () => define(definition, kind),
      (error) => {
        const { code, details } = error as { code?: string; details?: { field?: string; hint?: string } }
        assert.deepEqual([code, details?.field, typeof details?.hint], ['INVALID_REQUEST', field, 'string'], `${field}: ${error}`)
        return true
      },
    )
  }
})

test('items are checked and changed by the schema of their name; one that fails ends its task, and is not tried again', async () => {
  const handler = define({ ...reducing, items: { page: z.object({ number: z.coerce.number(), size: z.number().default(10) }) } })
  assert.deepEqual(await run(handler, { task: 'page', item: { number: '3' } }), {
    outcome: 'succeeded',
    resultText: '{"number":3,"size":10}',
  })
  for (const item of [{ number: 'three' }, null, undefined, []]) {
    const ending = await run(handler, { task: 'page', item })
    assert.deepEqual([ending?.outcome, ending?.reason, ending?.error?.retryable], ['failed', 'invalid-payload', false])
  }
  // Only of the name that has it.
  assert.equal((await run(handler, { task: 'root' }))?.outcome, 'succeeded')
})

test('the payload is checked for each of the tasks, before the item', async () => {
  const handler = define({ ...reducing, input: z.object({ folder: z.string() }), items: { page: z.number() } })
  for (const task of ['root', 'page', 'reduce', 'merge']) {
    const ending = await run(handler, { task, payload: { folder: 5 }, item: 1 })
    assert.equal(ending?.reason, 'invalid-payload')
    assert.match(ending?.error?.message ?? '', /^folder: /)
    assert.equal((await run(handler, { task, payload: { folder: '/' }, item: 1 }))?.outcome, 'succeeded')
  }
})

test('a schema may take its time', async () => {
  const slow = z.string().refine(async (text) => text !== 'wrong', 'wrong it is')
  const handler = define({ ...reducing, items: { page: slow } })
  assert.equal((await run(handler, { task: 'page', item: 'a' }))?.outcome, 'succeeded')
  const ending = await run(handler, { task: 'page', item: 'wrong' })
  assert.deepEqual([ending?.reason, ending?.error?.message], ['invalid-payload', 'wrong it is'])
})

test('a call to map that is not awaited is part of its task: it ends when it is answered, and fails with it', async () => {
  for (const root of [
    (ctx: unknown) => void (ctx as RunningContext).map('page', [1]),
    async (ctx: unknown) => void (ctx as RunningContext).map('page', [1]),
  ]) {
    const handler = define({ ...parts, root }, 'map')
    let isAnswered = false
    const answer = async () => {
      await new Promise(setImmediate)
      isAnswered = true
    }
    assert.equal((await run(handler, { task: 'root' }, { map: answer }))?.outcome, 'succeeded')
    assert.ok(isAnswered)
    const refuse = () => answer().then(() => Promise.reject(new Error('the items are gone')))
    const ending = await run(handler, { task: 'root' }, { map: refuse })
    assert.deepEqual([ending?.outcome, ending?.error?.message], ['failed', 'the items are gone'])
  }
})

test('an unhandled error fails the task when the handler has returned; a handled one does not', async () => {
  const refuse = () => {
    throw new CarillonError('INVALID_REQUEST', 'items is wrong: []')
  }
  const unheard: [string, (ctx: RunningContext) => unknown][] = [
    ['items is wrong: []', (ctx) => void ctx.map('page', [])],
    ['items is wrong: []', (ctx) => void ctx.map('page', []).then(() => assert.fail('it was mapped'))],
    ['items is wrong: []', (ctx) => void ctx.map('page', []).finally(() => undefined)],
    ['step is wrong: "sleep" is taken', async (ctx) => void ctx.step('sleep', () => 1)],
    ['until is wrong: NaN', async (ctx) => void ctx.sleep(Number.NaN)],
  ]
  const heard: ((ctx: RunningContext) => unknown)[] = [
    (ctx) => void ctx.map('page', []).catch(() => undefined),
    (ctx) => Promise.allSettled([ctx.map('page', []), ctx.step('sleep', () => 1), ctx.sleep(Number.NaN)]),
    async (ctx) => {
      const mapped = ctx.map('page', [])
      await new Promise(setImmediate)
      await mapped.catch(() => undefined)
    },
  ]
  const end = (root: (ctx: RunningContext) => unknown) =>
    run(
      define({ ...parts, root }, 'map'),
      { task: 'root' },
      { map: refuse, journal: async () => ({ entries: new Map(), program: undefined }) },
    )
  for (const [message, root] of unheard) {
    const ending = await end(root)
    assert.deepEqual([ending?.outcome, ending?.error?.message], ['failed', message])
  }
  for (const root of heard) assert.equal((await end(root))?.outcome, 'succeeded')
})

test('what follows a call that is not awaited is part of the task, too', async () => {
  const chains: ((ctx: RunningContext) => Promise<unknown>)[] = [
    (ctx) => ctx.map('page', [1]).then(() => ctx.map('page', [2])),
    async (ctx) => {
      await ctx.map('page', [1])
      await Promise.all([ctx.step('a', () => 1), ctx.map('page', [2])])
    },
    async (ctx) => {
      await ctx.step('a', () => 1)
      await ctx.step('b', () => 2)
      await ctx.map('page', [1])
      await (async () => ctx.map('page', [2]))()
    },
  ]
  for (const chain of chains) {
    const mapped: unknown[] = []
    const map = async (_work: unknown, { items }: { items: readonly unknown[] }) => {
      await new Promise(setImmediate)
      mapped.push(...items)
    }
    const step = async (_work: unknown, { index, name }: { index: number; name: string }) => ({ index, name, state: 'done' }) as never
    const handler = define({ ...parts, root: (ctx: RunningContext) => void chain(ctx) }, 'map')
    const ending = await run(handler, { task: 'root' }, { map, step, journal: async () => ({ entries: new Map(), program: undefined }) })
    assert.deepEqual([ending?.outcome, mapped], ['succeeded', [1, 2]])
  }
})

test('a task goes to sleep when what it has mapped is stored; a handler that has thrown maps no more', async () => {
  const mapped: unknown[] = []
  const map = async (_work: unknown, { items }: { items: readonly unknown[] }) => {
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
    mapped.push(...items)
  }
  const step = async () => ({ index: 0, name: 'sleep', state: 'sleeping', leftMs: 60_000 }) as never
  const sleeps = async (ctx: RunningContext) => {
    void (async () => ctx.map('page', [1]))()
    await ctx.sleep(60_000)
  }
  const calls = { map, step, journal: async () => ({ entries: new Map(), program: undefined }) }
  assert.equal((await run(define({ ...parts, root: sleeps }, 'map'), { task: 'root' }, calls))?.outcome, 'slept')
  assert.deepEqual(mapped, [1])
  const throws = (ctx: RunningContext) => {
    for (let i = 10; i < 30; i++) void ctx.map('page', [i])
    throw new Error('no')
  }
  assert.equal((await run(define({ ...parts, root: throws }, 'map'), { task: 'root' }, calls))?.error?.message, 'no')
  assert.ok(mapped.length <= 1 + 4, String(mapped))
})
