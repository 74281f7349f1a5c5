/**
 * An executor as a process of its own, to be killed and stopped: handler `work` takes `{ ms }` and answers who did it, `crash` ends its process, `sum` is a
 * map-reduce that adds up numbers.
 * Settings come from the environment; says "ready" when it is registered.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@carillon/sdk'
import { z } from 'zod'

const { URL: servers, NAMESPACE: namespace, INSTANCE: instance, CONCURRENCY: concurrency = '50' } = process.env
const mesh = await connect({ servers, namespace, instance, service: 'worker', onWarning: () => undefined })
mesh.handle<{ ms?: number }>(
  'work',
  async (ctx) => {
    const { ms = 0 } = ctx.payload ?? {}
    if (ms > 0) await sleep(ms, undefined, { signal: ctx.signal })
    return { instance: mesh.instance, attempt: ctx.attempt }
  },
  { concurrency: Number(concurrency) },
)
mesh.handle('fail', () => {
  throw new Error('as asked')
})
mesh.handle('crash', () => process.kill(process.pid, 'SIGKILL'))
const added = async (results: AsyncIterable<number>) => {
  let sum = 0
  for await (const number of results) sum += number
  return sum
}
mesh.mapReduce(
  'sum',
  {
    input: z.object({ calls: z.number(), perCall: z.number(), ms: z.number() }),
    items: { number: z.number() },
    // Slowly, so that it can be killed on the way.
    async root(ctx) {
      const { calls, perCall, ms } = ctx.payload
      for (let call = 0; call < calls; call++) {
        await ctx.map(
          'number',
          Array.from({ length: perCall }, (_, i) => call * perCall + i),
        )
        await sleep(20 * ms)
      }
    },
    tasks: {
      async number(ctx) {
        await sleep(ctx.payload.ms)
        return ctx.item
      },
    },
    reduce: (ctx) => added(ctx.results()),
    merge: (ctx) => added(ctx.results()),
  },
  { concurrency: Number(concurrency) },
)
await mesh.start()
process.send?.('ready')
