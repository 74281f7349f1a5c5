/** What compiles, and what does not: each `@ts-expect-error` is a promise. `types.test.ts` compiles this file also as a user's, on other settings. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type RunRequest, startItemOf } from './client/start-item.ts'
import { jobInputOf } from './client/typed-calls.ts'
import { requestOf } from './handler-definition.ts'
import { type Client, defineHandler, type Mesh, type ResultOf, type TaskContext } from './index.ts'
import { startMesh } from './testing/mesh-fixture.ts'

const pay = defineHandler({
  name: 'pay',
  input: z.object({ cents: z.int(), note: z.string().optional(), at: z.coerce.number().default(0) }),
  output: z.object({ receipt: z.string(), paidAt: z.date() }),
  attempts: 3,
  backoff: { type: 'exponential', delayMs: 200 },
  timeoutMs: 5_000,
})
const audit = defineHandler({ name: 'audit' })
const warm = defineHandler({ name: 'warm', mode: 'broadcast', output: z.string() })
const pages = defineHandler({ name: 'pages', mode: 'shards', shards: 8 })
const count = defineHandler({ name: 'count', mode: 'map-reduce', shards: 3, input: z.object({ folder: z.string() }), output: z.number() })
const visit = defineHandler({ name: 'visit', mode: 'map', input: z.string() })

/** Is compiled, and not called. */
export async function callers(client: Client): Promise<void> {
  const run = await client.run(pay, { cents: 5 })
  const { receipt, paidAt } = await run.result()
  receipt satisfies string
  // A Date has travelled as JSON.
  paidAt satisfies string
  await client.run(pay, { cents: 5, note: 'x', at: '7' }, { attempts: 1, key: 'order-1', giveUpAfterMs: 1_000 })
  // @ts-expect-error a payload of another shape
  await client.run(pay, { cent: 5 })
  // @ts-expect-error a payload that is missing
  await client.run(pay)
  // @ts-expect-error a value of another type
  await client.run(pay, { cents: '5' })
  // @ts-expect-error an option that there is not
  await client.run(pay, { cents: 5 }, { retries: 3 })
  // @ts-expect-error milliseconds are a number
  await client.run(pay, { cents: 5 }, { timeoutMs: '5s' })
  // @ts-expect-error milliseconds are a number
  await client.run(pay, { cents: 5 }, { delayMs: '5s' })
  // @ts-expect-error a mode that there is not
  await client.run(pay, { cents: 5 }, { mode: 'all' })
  // @ts-expect-error a result of another type
  ;(await (await client.run(pay, { cents: 5 })).result()) satisfies number

  const anything: unknown = await (await client.run(audit)).result()
  await client.run(audit, { any: anything })
  const everywhere = await (await client.run(pay, { cents: 5 }, { mode: 'broadcast' })).result()
  everywhere.tasks.succeeded satisfies number | undefined
  ;(await (await client.run(warm)).result()).tasks.failed satisfies number | undefined
  ;(await (await client.run(pages, null, { shards: 2 })).result()).tasks.failed satisfies number | undefined
  ;(await (await client.run(count, { folder: '.' }, { shards: 9 })).result()) satisfies number

  const outcomes = await client.runMany([{ handler: pay, payload: { cents: 5 }, attempts: 2 }])
  for (const outcome of outcomes) if (outcome.ok) (await outcome.run.result()).receipt satisfies string
  // @ts-expect-error a payload of another shape
  await client.runMany([{ handler: pay, payload: { cents: 'x' } }])

  await client.jobs.put({ name: 'nightly', handler: pay, payload: { cents: 1 }, schedule: { everyMs: 60_000 } })
  await client.jobs.put({ name: 'report', handler: 'report', schedule: { cron: '0 9 * * *' }, timeoutMs: 5 })
  // @ts-expect-error a payload of another shape
  await client.jobs.put({ name: 'nightly', handler: pay, payload: { cents: 'x' } })
  // @ts-expect-error milliseconds are a number
  await client.jobs.put({ name: 'nightly', handler: 'pay', schedule: { everyMs: '5s' } })
  // @ts-expect-error milliseconds are a number
  await client.jobs.put({ name: 'nightly', handler: pay, payload: { cents: 1 }, schedule: { everyMs: '5s' } })
  // @ts-expect-error milliseconds are a number
  await client.jobs.put({ name: 'nightly', timeoutMs: '5s' })
  // @ts-expect-error an option that there is not
  await client.jobs.put({ name: 'nightly', schedule: { every: 5_000 } })
  // @ts-expect-error a name is text
  await client.jobs.put({ name: 5 })
  // @ts-expect-error a share ends in %
  await client.jobs.put({ name: 'nightly', tolerate: '5' })

  // Names go on as they were.
  ;(await (await client.run<number>('pay', { anything: true }, { attempts: 2 })).result()) satisfies number
}

/** Is compiled, and not called. */
export function definitions(): void {
  // @ts-expect-error a name is needed
  defineHandler({ input: z.string() })
  // @ts-expect-error an option that there is not
  defineHandler({ name: 'x', retries: 3 })
  // @ts-expect-error a unit is in the name of the option
  defineHandler({ name: 'x', timeout: 5_000 })
  // @ts-expect-error milliseconds are a number
  defineHandler({ name: 'x', timeoutMs: '5s' })
  // @ts-expect-error milliseconds are a number
  defineHandler({ name: 'x', backoff: { type: 'fixed', delayMs: '1s' } })
  // @ts-expect-error a mode that there is not
  defineHandler({ name: 'x', mode: 'all' })
  // @ts-expect-error a payload arrives as JSON: no Date does
  defineHandler({ name: 'x', input: z.object({ at: z.date() }) })
  // @ts-expect-error a payload arrives as JSON: no Map does
  defineHandler({ name: 'x', input: z.map(z.string(), z.number()) })
  // @ts-expect-error a payload arrives as JSON: no bigint does
  defineHandler({ name: 'x', input: z.object({ deep: z.array(z.object({ ns: z.bigint() })) }) })
  defineHandler({ name: 'x', input: z.object({ at: z.coerce.date(), tags: z.array(z.string()).optional() }) })
}

/** Is compiled, and not called. */
export function executors(mesh: Mesh): void {
  mesh.handle(pay, async (ctx) => {
    ctx.payload.cents satisfies number
    ctx.payload.at satisfies number
    return { receipt: 'r', paidAt: new Date() }
  })
  mesh.handle(pay, () => ({ receipt: 'r', paidAt: new Date() }), { concurrency: 5 })
  // @ts-expect-error a result of another shape
  mesh.handle(pay, async () => ({ receipt: 5, paidAt: new Date() }))
  // @ts-expect-error no result
  mesh.handle(pay, async () => undefined)
  // @ts-expect-error an option of the definition
  mesh.handle(pay, async () => ({ receipt: 'r', paidAt: new Date() }), { attempts: 5 })
  mesh.handle(audit, async (ctx) => void ctx.log.info('nothing comes of it'))
  mesh.handle(audit, (ctx) => ({ got: ctx.payload, at: new Date(), url: new URL('http://localhost'), maybe: ctx.job }))
  // @ts-expect-error a Map is not JSON
  mesh.handle(audit, async () => new Map([['a', 1]]))
  // @ts-expect-error a Set is not JSON
  mesh.handle(audit, () => ({ tags: new Set(['a']) }))
  // @ts-expect-error a mode of its own
  mesh.handle(visit, async () => 1)

  mesh.mapReduce(count, {
    items: { file: z.object({ name: z.string(), since: z.coerce.date() }) },
    async root(ctx) {
      ctx.payload.folder satisfies string
      await ctx.map('file', [{ name: 'a', since: '2026-01-01' }])
      // @ts-expect-error an item of another shape
      await ctx.map('file', [{ title: 'a' }])
    },
    tasks: { file: (ctx) => ctx.item.since.getTime() },
    reduce: async () => 7,
  })
  // @ts-expect-error the result of the reduce is that of the run
  mesh.mapReduce(count, { items: {}, root: () => null, tasks: {}, reduce: async () => 'seven' })
  // @ts-expect-error an item arrives as JSON: no Date does
  mesh.map(visit, { items: { page: z.object({ at: z.date() }) }, root: () => null, tasks: { page: () => null } })
  mesh.map(visit, { items: { page: z.string() }, root: (ctx) => ctx.map('page', [ctx.payload]), tasks: { page: (ctx) => ctx.item.length } })
  mesh.steps(pay, [
    { name: 'reserve', run: (ctx) => ctx.payload.cents },
    { name: 'pay', run: (ctx) => ({ receipt: String(ctx.done['reserve']), paidAt: new Date() }), attempts: 3 },
  ])
  // @ts-expect-error a Map is not JSON
  mesh.steps(pay, [{ name: 'reserve', run: () => new Map<string, number>() }])
}

interface Tree {
  readonly at: Date
  readonly children: readonly Tree[]
  readonly note?: string
  readonly mayBe: string | undefined
}

/** Is compiled, and not called. */
export async function steps(ctx: TaskContext, tree: Tree): Promise<void> {
  const back = await ctx.step('tree', async () => tree)
  back.at satisfies string
  back.children[0]?.at satisfies string | undefined
  back.note satisfies string | undefined
  back.mayBe satisfies string | undefined
  // @ts-expect-error it is text when it comes back
  back.at.getTime()
  ;(await ctx.step('date', () => new Date())) satisfies string
  ;(await ctx.step('nothing', () => undefined)) satisfies null
  ;(await ctx.step('void', async () => console.log('done'))) satisfies null
  ;(await ctx.step('number', () => 7)) satisfies number
  ;(await ctx.step('maybe', () => [7].find((n) => n > 8))) satisfies number | null
  ;(await ctx.step('list', () => ['a', 1] as const)) satisfies readonly ['a', 1]
  ;(await ctx.step('unknown', (): unknown => 7)) satisfies unknown
  ;(await ctx.step<{ id: number }>('told', () => ({ id: 7 }))).id satisfies number
  // @ts-expect-error a Map is not JSON
  await ctx.step('map', () => new Map([['a', 1]]))
  // @ts-expect-error a Set is not JSON
  await ctx.step('set', async () => ({ deep: { tags: new Set(['a']) } }))
  // @ts-expect-error a bigint is not JSON
  await ctx.step('bigint', async () => 5n)
  // @ts-expect-error a symbol is not JSON
  await ctx.step('symbol', async () => ({ key: Symbol('x') }))
  // @ts-expect-error a function is not JSON
  await ctx.step('function', async () => ({ run: () => 1 }))
  // @ts-expect-error an undefined entry of a list would become null
  await ctx.step('list of undefined', () => [1, undefined])
  // @ts-expect-error a property that is only undefined is none
  await ctx.step('undefined', () => ({ a: undefined }))
  // @ts-expect-error a promise is to be awaited
  await ctx.step('promise', async () => ({ later: Promise.resolve(1) }))
  // @ts-expect-error binary data is no JSON
  await ctx.step('bytes', async () => new Uint8Array(1))
}

test('a definition keeps what it was given, and says what is wrong with it', () => {
  const result: ResultOf<typeof pay> = { receipt: 'r', paidAt: '2026-01-01T00:00:00.000Z' }
  assert.equal(result.receipt, 'r')
  assert.deepEqual([pay.name, pay.mode, pay.defaults.attempts, pages.defaults.shards], ['pay', 'single', 3, 8])
  assert.throws(() => defineHandler({ name: 'a b' }), { code: 'INVALID_NAME' })
  assert.throws(() => defineHandler(undefined as never), { code: 'INVALID_REQUEST' })
  for (const [settings, field] of [
    [{ attempts: 0 }, 'attempts'],
    [{ timeoutMs: '5s' }, 'timeoutMs'],
    [{ timeout: 5 }, 'timeout'],
    [{ key: 'x' }, 'key'],
    [{ mode: 'all' }, 'mode'],
    [{ mode: 'shards' }, 'shards'],
    [{ shards: 4 }, 'shards'],
    [{ input: {} }, 'input'],
    [{ output: 5 }, 'output'],
    [{ backoff: { type: 'fixed', delayMs: -1 } }, 'backoff.delayMs'],
  ] as const)
    assert.throws(
      () => defineHandler({ name: 'x', ...(settings as object) }),
      (error: { details?: { field?: string } }) => error.details?.field === field,
      JSON.stringify(settings),
    )
})

test('what a call does not say its definition does', () => {
  const text = (request: RunRequest) => {
    const { id, ...rest } = JSON.parse(startItemOf(request).text) as Record<string, unknown>
    assert.ok(id)
    return rest
  }
  const backoff = { type: 'exponential', delayMs: 200, factor: 2, maxMs: 300_000 }
  const asDefined = { handler: 'pay', attempts: 3, backoff, timeoutMs: 5_000 }
  assert.deepEqual(text(requestOf(pay, { payload: 1 })), { ...asDefined, payload: 1 })
  assert.deepEqual(text(requestOf(pay, { attempts: 5, timeoutMs: undefined, delayMs: 7 })), { ...asDefined, attempts: 5, delayMs: 7 })
  assert.deepEqual(text(requestOf(warm, {})), { handler: 'warm', mode: 'broadcast' })
  assert.deepEqual(text(requestOf(pages, {})), { handler: 'pages', shards: 8 })
  assert.deepEqual(text(requestOf(pages, { items: [1] })), { handler: 'pages', items: [1] })
  assert.deepEqual(text(requestOf(pages, { shards: 2 })), { handler: 'pages', shards: 2 })
  assert.deepEqual(text(requestOf(count, { shards: 9 })), { handler: 'count', mode: 'map-reduce', shards: 9 })
  const job = jobInputOf({ name: 'nightly', handler: pay, payload: { cents: 1 }, attempts: 1 })
  assert.deepEqual(job, {
    name: 'nightly',
    handler: 'pay',
    payload: { cents: 1 },
    attempts: 1,
    backoff: pay.defaults.backoff,
    timeoutMs: 5_000,
  })
})

test('a definition is offered as it is called, under options of the process', async (t) => {
  const { fake, connect } = await startMesh(t)
  const mesh = await connect()
  mesh.handle(pay, (ctx) => ({ receipt: `for ${ctx.payload.cents}`, paidAt: new Date(0) }), { concurrency: 3 })
  assert.throws(() => mesh.handle(pay, () => ({ receipt: '', paidAt: new Date() })), { code: 'HANDLER_EXISTS' })
  assert.throws(() => mesh.handle(visit as never, () => 1), { code: 'INVALID_REQUEST' })
  assert.throws(() => mesh.map(pay as never, { root: () => 1, tasks: {} }), { code: 'INVALID_REQUEST' })
  await mesh.start()
  const result = await (await mesh.client.run(pay, { cents: 5 })).result()
  assert.deepEqual(result, { receipt: 'for 5', paidAt: '1970-01-01T00:00:00.000Z' })
  const [bulk] = await mesh.client.runMany([{ handler: pay, payload: { cents: 6 } }])
  assert.ok(bulk?.ok)
  assert.equal((await bulk.run.result()).receipt, 'for 6')
  assert.deepEqual(
    fake.registrations[0]?.handlers.map(({ name, inputSchema }) => [name, inputSchema !== undefined]),
    [['pay', true]],
  )
})
