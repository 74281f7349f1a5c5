import { connect, type MapContext } from '@carillon/sdk'
import { z } from 'zod'
import { JOBS_PER_SLOT } from './lateness.ts'

const now = () => performance.timeOrigin + performance.now()
const starts: number[] = []
const lateness: number[] = []
const planned: number[] = []

/** The executor of every measurement: concurrency 100, handlers that do nothing or note when they were called. */
const mesh = await connect({ servers: process.env['CARILLON_NATS_URL'] ?? '', service: 'bench', namespace: 'bench' })
mesh.handle('noop', () => ({ ok: true }), { concurrency: 100 })
mesh.handle(
  'start',
  (context) => {
    starts.push(now() - (context.payload as { at: number }).at)
  },
  { concurrency: 100 },
)
mesh.handle(
  'slot',
  (context) => {
    const slot = Date.parse(context.slot ?? '')
    lateness.push(now() - slot)
    planned.push((slot / 1_000) * JOBS_PER_SLOT + Number(context.job?.slice('slot-'.length)))
  },
  { concurrency: 100 },
)
mesh.handle('endless', ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)))
mesh.handle('steps', async (ctx) => {
  const { steps } = ctx.payload as { steps: number }
  const begun = performance.now()
  for (let i = 0; i < steps; i++) await ctx.step(`step-${i}`, () => i)
  return (performance.now() - begun) / steps
})
const PER_CALL = 500
const mapMs: number[] = []
/** Calls one after another, timed. */
async function mapTimed(ctx: MapContext<{ items: number }, { item: number; leaf: number }>): Promise<void> {
  for (let from = 0; from < ctx.payload.items; from += PER_CALL) {
    const begun = now()
    await ctx.map(
      'item',
      Array.from({ length: PER_CALL }, (_, i) => from + i),
    )
    mapMs.push(now() - begun)
  }
}
async function mapItems(ctx: MapContext<{ items: number }, { item: number; leaf: number }>, name: 'item' | 'leaf'): Promise<void> {
  const calls: Promise<void>[] = []
  for (let from = 0; from < ctx.payload.items; from += PER_CALL) {
    calls.push(
      ctx.map(
        name,
        Array.from({ length: Math.min(PER_CALL, ctx.payload.items - from) }, (_, i) => from + i),
      ),
    )
    if (calls.length === 4) await Promise.all(calls.splice(0))
  }
  await Promise.all(calls)
}

const items = z.object({ items: z.number(), isEndless: z.boolean().default(false), isTimed: z.boolean().default(false) })
const numbers = { item: z.number(), leaf: z.number() }
mesh.map(
  'fan',
  {
    input: items,
    items: numbers,
    root: (ctx) => (ctx.payload.isTimed ? mapTimed(ctx) : mapItems(ctx, 'item')),
    tasks: {
      item: (ctx) => (ctx.payload.isEndless ? new Promise((resolve) => ctx.signal.addEventListener('abort', resolve)) : undefined),
      leaf: () => undefined,
    },
  },
  { concurrency: 100 },
)
const sum = async (results: AsyncIterable<number>) => {
  let total = 0
  for await (const number of results) total += number
  return total
}
mesh.mapReduce(
  'sum',
  {
    input: items,
    items: numbers,
    root: (ctx) => mapItems(ctx, 'leaf'),
    tasks: { leaf: (ctx) => ctx.item, item: () => undefined },
    reduce: (ctx) => sum(ctx.results()),
    merge: (ctx) => sum(ctx.results()),
  },
  { concurrency: 100 },
)
const waits: number[] = []
mesh.handle(
  'awaits',
  async (ctx) => {
    const { at } = (await ctx.waitFor('go')) as { at: number }
    waits.push(now() - at)
  },
  { concurrency: 100 },
)
await mesh.start()
const figures = { starts, lateness, planned, mapMs, waits }
process.on('message', (ask: keyof typeof figures) => process.send?.(figures[ask].splice(0)))
process.on('disconnect', () => process.exit())
process.send?.('ready')
