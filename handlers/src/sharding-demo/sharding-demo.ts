import { defineHandler, type TaskContext } from '@carillon/sdk'
import { z } from 'zod'

const DEFAULT_NUMBERS = 1_000
const MAX_NUMBERS = 10_000_000
/** Between two reports of progress; the event loop is free in between. */
const NUMBERS_AT_ONCE = 100_000

const inputSchema = z.strictObject({ numbers: z.int().min(1).max(MAX_NUMBERS).optional() }).nullable()

/** Counts the numbers from 1 to `numbers` (default 1,000); each task of a run with shards counts those that leave its index. */
export const shardingDemo = defineHandler({
  name: 'sharding-demo',
  description: 'Counts the numbers from 1 to {numbers}; each shard counts its share',
  input: inputSchema,
  output: z.object({ shard: z.int(), of: z.int(), counted: z.int(), sum: z.int() }),
})

/** The function of `shardingDemo`. */
export async function countShare(ctx: TaskContext<z.infer<typeof inputSchema>>) {
  const numbers = ctx.payload?.numbers ?? DEFAULT_NUMBERS
  const { index, total } = ctx.shard ?? { index: 0, total: 1 }
  ctx.log.info(`counting the numbers up to ${numbers} that leave ${index} when divided by ${total}`)
  const count = { counted: 0, sum: 0 }
  for (let number = index === 0 ? total : index; number <= numbers; number += total) {
    count.counted++
    count.sum += number
    if (count.counted % NUMBERS_AT_ONCE !== 0) continue
    await ctx.progress((number / numbers) * 100, `at ${number}`)
    await new Promise((resolve) => setImmediate(resolve))
    ctx.signal.throwIfAborted()
  }
  await ctx.progress(100)
  ctx.log.info(`counted ${count.counted} numbers`, count)
  return { shard: index, of: total, ...count }
}
