/** Outcomes of runs, by handlers and calls that run on every mesh: a real one, and the one in memory for tests of users. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunState } from '@carillon/contracts'
import {
  type Client,
  defineHandler,
  NonRetryableError,
  type Offers,
  RetryAfterError,
  type RunOptions,
  type TaskContext,
} from '@carillon/sdk'
import { z } from 'zod'

export interface Scenario {
  readonly handler: string
  readonly payload?: unknown
  readonly options?: RunOptions
  /** What else happens while it runs. */
  readonly meanwhile?: (client: Client, runId: string) => Promise<unknown>
}

const FAST = { type: 'fixed', delayMs: 10 } as const
const receipt = defineHandler({ name: 'receipt', input: z.object({ cents: z.int() }), output: z.object({ receipt: z.string() }) })

const untilAborted = (ctx: TaskContext) =>
  new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error)))
const running = async (client: Client, runId: string) => {
  while ((await client.runs.get(runId)).state !== 'running') await sleep(5)
}
const cancel = (client: Client, runId: string) => client.runs.cancel(runId)
const cancelRunning = async (client: Client, runId: string) => {
  await running(client, runId)
  await cancel(client, runId)
}
const isIn = async (client: Client, runId: string, state: RunState) => {
  while ((await client.runs.get(runId)).state !== state) await sleep(5)
}
const pauseIn = (state: RunState) => async (client: Client, runId: string) => {
  await isIn(client, runId, state)
  if ((await client.runs.pause(runId)).state !== 'paused') throw new Error('it is not paused')
  await client.runs.resume(runId)
}
const cancelPaused = async (client: Client, runId: string) => {
  await client.runs.pause(runId)
  await client.runs.cancel(runId)
}
const cancelLeaves = async (client: Client, runId: string) => {
  while ((await client.runs.tasks(runId, { state: 'running' })).items.filter(({ task }) => task === 'page').length < 2) await sleep(5)
  await cancel(client, runId)
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a result': { handler: 'echo', payload: { a: [1, 'x', null] } },
  'progress and a log line': { handler: 'tells' },
  'a retry that succeeds': { handler: 'flaky', payload: 3, options: { attempts: 3, backoff: FAST } },
  'no tries left': { handler: 'flaky', payload: 3, options: { attempts: 2, backoff: FAST } },
  'an error that is not retried': { handler: 'refuses', options: { attempts: 5 } },
  'an error whose name is not retried': { handler: 'flaky', payload: 3, options: { attempts: 5, backoff: FAST, nonRetryable: ['Error'] } },
  'retries after the delays of a list': {
    handler: 'flaky',
    payload: 3,
    options: { attempts: 3, backoff: { type: 'list', delaysMs: [1, 2] } },
  },
  'an error that says when to retry': { handler: 'busy', options: { attempts: 2, backoff: FAST } },
  'a delay': { handler: 'echo', payload: 1, options: { delayMs: 30 } },
  'a payload that its schema refuses': { handler: 'receipt', payload: { cents: 'five' }, options: { attempts: 3 } },
  'a result that its schema refuses': { handler: 'receipt', payload: { cents: -1 }, options: { attempts: 3 } },
  'a result as its schema makes it': { handler: 'receipt', payload: { cents: 5 } },
  'a result that is no JSON': { handler: 'map-result', options: { attempts: 3 } },
  'a time limit': { handler: 'waits', options: { timeoutMs: 40 } },
  'a time limit, twice': { handler: 'waits', options: { timeoutMs: 40, attempts: 2, backoff: FAST } },
  'a cancel while it runs': { handler: 'waits', meanwhile: cancelRunning },
  'a cancel before it is due': { handler: 'echo', options: { delayMs: 3_600_000 }, meanwhile: cancel },
  'a time limit of the run, while it runs': { handler: 'waits', options: { runTimeoutMs: 60 } },
  'a time limit of the run, between two tries': {
    handler: 'flaky',
    payload: 9,
    options: { attempts: 9, backoff: { type: 'fixed', delayMs: 60_000 }, runTimeoutMs: 60 },
  },
  'a pause between two tries': {
    handler: 'flaky',
    payload: 2,
    options: { attempts: 2, backoff: { type: 'fixed', delayMs: 3_000 } },
    meanwhile: pauseIn('delayed'),
  },
  'a run that is cancelled while it is paused': { handler: 'echo', options: { delayMs: 60_000 }, meanwhile: cancelPaused },
  shards: { handler: 'part', options: { shards: 3 } },
  'items, two at a time': { handler: 'part', options: { items: ['a', 'b', 'c'], maxParallel: 2 } },
  'a shard that fails': { handler: 'part', payload: 'fail', options: { shards: 3 } },
  'a shard that may fail': { handler: 'part', payload: 'fail', options: { shards: 4, tolerate: '25%' } },
  'a broadcast': { handler: 'part', options: { mode: 'broadcast' } },
  'a map': { handler: 'visit', payload: ['a', 'bc'] },
  'a map in a map, with an item that its schema refuses': { handler: 'visit', payload: ['a', 'deeper', 7] },
  'a map that is cancelled': { handler: 'visit', payload: ['wait', 'wait'], meanwhile: cancelLeaves },
  'a map-reduce': { handler: 'count', payload: ['a', 'bc', 'def', 'ghij'], options: { shards: 3 } },
  'a map-reduce of one part': { handler: 'count', payload: ['a', 'bc'] },
  'a map-reduce that fails': { handler: 'count', payload: ['a', ''] },
  steps: { handler: 'order', payload: 'fine' },
  'steps and a retry': { handler: 'order', payload: 'retry', options: { attempts: 2, backoff: FAST } },
  'a step that is tried again': { handler: 'order', payload: 'step' },
  'a list of steps': { handler: 'list' },
  'steps of a process that crashes': { handler: 'order', payload: 'crash' },
}

/** @param crash ends the process that calls it */
export function offerScenarios(mesh: Offers, crash: () => Promise<never>): void {
  mesh.handle('echo', (ctx) => ctx.payload)
  mesh.handle('tells', async (ctx) => {
    ctx.log.warn('a line', { n: 1 })
    await ctx.progress(40, 'on its way')
  })
  mesh.handle<number>('flaky', (ctx) => {
    if (ctx.attempt < ctx.payload) throw new TypeError(`attempt ${ctx.attempt}`)
    return ctx.attempt
  })
  mesh.handle('refuses', () => {
    throw new NonRetryableError('never')
  })
  mesh.handle('busy', (ctx) => {
    if (ctx.attempt === 1) throw new RetryAfterError('later', 50)
    return 'done'
  })
  mesh.handle(receipt, ({ payload: { cents } }) => (cents < 0 ? ({} as { receipt: string }) : { receipt: `for ${cents}`, more: 1 }))
  mesh.handle('map-result', () => new Map())
  mesh.handle('waits', untilAborted)
  mesh.handle('part', (ctx) => {
    if (ctx.payload === 'fail' && ctx.shard?.index === 1) throw new Error('this one')
    return [ctx.shard?.index, ctx.shard?.total, ctx.shard?.item]
  })
  mesh.map('visit', {
    items: { page: z.string() },
    root: (ctx) => ctx.map('page', ctx.payload as string[]),
    tasks: {
      async page(ctx) {
        if (ctx.item === 'wait') await untilAborted(ctx)
        if (ctx.item === 'deeper') await ctx.map('page', ['x', 'y'])
        return ctx.item.length
      },
    },
  })
  mesh.mapReduce('count', {
    root: (ctx) => ctx.map('word', ctx.payload as string[]),
    tasks: {
      word(ctx: { readonly item: unknown }) {
        if (ctx.item === '') throw new Error('no word')
        return String(ctx.item).length
      },
    },
    reduce: (ctx) => added(ctx.results<number>()),
    merge: (ctx) => added(ctx.results<Sum>()),
  })
  mesh.handle('order', (ctx) => order(ctx, crash))
  mesh.steps('list', [
    { name: 'one', run: () => 1 },
    { name: 'two', run: (ctx) => Number(ctx.done['one']) + 1 },
  ])
}

async function order(ctx: TaskContext, crash: () => Promise<never>): Promise<unknown> {
  const reserved = await ctx.step('reserve', () => ({ id: 7, at: new Date(0) }))
  await ctx.sleep(20)
  if (ctx.payload === 'retry' && ctx.attempt === 1) throw new Error('after the reservation')
  if (ctx.payload === 'crash' && ctx.attempt === 1) await crash()
  let tries = 0
  const charge = () => {
    if (ctx.payload === 'step' && ++tries === 1 && ctx.attempt === 1) throw new Error('not yet')
  }
  await ctx.step('charge', charge, { attempts: 2, backoff: FAST })
  return { reserved, mailed: await ctx.step('mail', async () => 'sent') }
}

interface Sum {
  readonly letters: number
  readonly words: number
}

async function added(results: AsyncIterable<number | Sum>): Promise<Sum> {
  let [letters, words] = [0, 0]
  for await (const result of results) {
    const part = typeof result === 'number' ? { letters: result, words: 1 } : result
    letters += part.letters
    words += part.words
  }
  return { letters, words }
}

/** The outcome of a run: everything but its names, times and ids. */
export async function outcomeOf(client: Client, runId: string): Promise<unknown> {
  const run = await client.runs.get(runId)
  const { handler, mode, state, reason, message, attempt, attempts, losses, payload, result, progress } = run
  const { items } = await client.runs.tasks(runId, { limit: 100 })
  const steps = mode === 'single' ? (await client.runs.steps(runId)).items : []
  const { items: lines } = await client.logs.query({ runId })
  return JSON.parse(
    JSON.stringify({
      ...{ handler, mode, state, reason, message, attempt, attempts, losses, payload, result, progress },
      failure: failureOf(run),
      tasks: items.map((task) => {
        const id = task.taskId.slice(runId.length)
        const own = { ...task, taskId: '', instance: '', startedAt: '', endedAt: '', failure: failureOf(task) }
        // Of a reduce that is where its leaves are.
        return task.task === 'reduce' ? { id, ...own, item: '' } : { id, ...own }
      }),
      steps: steps.map((step) => ({ ...step, until: '', leftMs: 0, at: '', failure: failureOf(step) })),
      lines: lines.map(({ level, message: text, fields, seq, attempt: tried }) => ({ level, text, fields, seq, tried })),
    }),
  )
}

/** Its stack names files of the process that ran it. */
const failureOf = ({ failure }: { readonly failure?: object }) => failure && { ...failure, stack: '' }
