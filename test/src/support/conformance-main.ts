/** The handlers that `carillon conformance` asks for, by the SDK: `node conformance-main.js`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, NonRetryableError, natsSettingsFrom, RetryAfterError } from '@carillon/sdk'
import { z } from 'zod'

const mesh = await connect({
  ...natsSettingsFrom(process.env),
  namespace: process.env['CARILLON_NAMESPACE'] ?? 'default',
  service: 'by-sdk',
})
const failure = z.object({ message: z.string(), retryable: z.boolean().optional(), retryAfterMs: z.number().optional() })
const added = async (results: AsyncIterable<number>) => {
  let sum = 0
  for await (const number of results) sum += number
  return sum
}

mesh.handle('conformance-echo', (ctx) => ctx.payload, { concurrency: 20 })
mesh.handle(
  'conformance-fail',
  ({ payload: { message, retryable, retryAfterMs } }) => {
    if (retryable === false) throw new NonRetryableError(message)
    throw retryAfterMs === undefined ? new Error(message) : new RetryAfterError(message, retryAfterMs)
  },
  { input: failure },
)
mesh.handle('conformance-progress', async (ctx) => {
  ctx.log.info('begins', { step: 1 })
  await ctx.progress(50, 'half')
  // An end that follows at once may replace it: only the newest of a batch counts.
  await sleep(50)
  ctx.log.warn('ends')
})
mesh.handle<{ ms: number }>(
  'conformance-slow',
  async (ctx) => {
    await sleep(ctx.payload.ms, undefined, { signal: ctx.signal })
    return 'slept'
  },
  { concurrency: 20 },
)
mesh.mapReduce('conformance-map', {
  input: z.object({ items: z.array(z.number()) }),
  items: { item: z.number() },
  root: (ctx) => ctx.map('item', ctx.payload.items),
  tasks: { item: (ctx) => ctx.item * 2 },
  reduce: (ctx) => added(ctx.results<number>()),
  merge: (ctx) => added(ctx.results<number>()),
})
mesh.handle('conformance-steps', async (ctx) => {
  const one = await ctx.step('one', () => 1)
  return await ctx.step('two', () => one + 1)
})
await mesh.start()
