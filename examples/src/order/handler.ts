/** How an order is carried out. External services are an argument, so that a test can replace them. */
import { NonRetryableError, type PayloadOf, type TaskContext } from '@carillon/sdk'
import type { order } from './definition.ts'

export interface World {
  /** What has the same key is charged once. */
  charge(key: string, cents: number): Promise<{ receipt: string; at: Date }>
  send(key: string, item: string): Promise<void>
}

export const carryOut = (world: World) => async (ctx: TaskContext<PayloadOf<typeof order>>) => {
  const { item, cents, sendAt } = ctx.payload
  if (cents > 1_000_000) throw new NonRetryableError(`nobody orders ${item} for ${cents} cents`)
  const charged = await ctx.step('charge', () => world.charge(ctx.runId, cents), {
    attempts: 2,
    backoff: { type: 'fixed', delayMs: 5_000 },
  })
  ctx.log.info('charged', { receipt: charged.receipt })
  await ctx.progress(50, 'charged')
  if (sendAt !== undefined) await ctx.sleep(new Date(sendAt))
  await ctx.step('send', () => world.send(ctx.runId, item))
  // It has been stored as JSON: the Date is text now, and its type says so.
  return { receipt: charged.receipt, chargedAt: charged.at }
}
