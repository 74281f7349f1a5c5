/**
 * An executor as a process of its own, to be killed and stopped: handler `work` takes `{ ms }` and answers who did it, `crash` and `stray` end their process, `flood`
 * logs as fast as it can, `sum` is a map-reduce that adds up numbers. Settings come from the environment, `COUNT` executors are one
 * process; says "ready" when all are registered.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { connect, type Mesh } from '@carillon/sdk'
import { z } from 'zod'

const {
  URL: servers,
  NAMESPACE: namespace,
  INSTANCE: name,
  CONCURRENCY: concurrency = '50',
  LEDGER: ledger,
  COUNT: count = '1',
} = process.env
const LINES_A_TURN = 200
/** Hundreds of first connections at once take longer than one of them may. */
const STARTED_AT_ONCE = 20
const begun = ledger ? join(ledger, `${name}-${process.pid}`) : undefined
const added = async (results: AsyncIterable<number>) => {
  let sum = 0
  for await (const number of results) sum += number
  return sum
}

function offer(mesh: Mesh): void {
  mesh.handle<{ ms?: number }>(
    'work',
    async (ctx) => {
      if (begun) appendFileSync(begun, `${ctx.taskId} ${ctx.attempt} ${Date.now()}\n`)
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
  mesh.handle('stray', () => {
    setTimeout(() => {
      throw new Error('outside every promise')
    }, 100)
    return sleep(5_000)
  })
  mesh.handle<{ lines: number; text: string }>('flood', async (ctx) => {
    for (let line = 0; line < ctx.payload.lines; line++) {
      ctx.log.info(ctx.payload.text)
      if (line % LINES_A_TURN === 0) await turn()
    }
  })
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
}

const names = Number(count) === 1 ? [name] : Array.from({ length: Number(count) }, (_, i) => `${name}-${i}`)
// Each listens to the signals of its process.
process.setMaxListeners(names.length + 10)
for (let i = 0; i < names.length; i += STARTED_AT_ONCE)
  await Promise.all(
    names.slice(i, i + STARTED_AT_ONCE).map(async (instance) => {
      // A thread for each of hundreds that share a process is more than a machine of tests can take.
      const mesh = await connect({
        servers,
        namespace,
        instance,
        service: 'worker',
        thread: names.length === 1,
        onWarning: () => undefined,
      })
      offer(mesh)
      await mesh.start()
    }),
  )
process.send?.('ready')
