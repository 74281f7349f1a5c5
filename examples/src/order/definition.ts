/** An order, as its callers and its executors share it: it holds no code of the handler. */
import { defineHandler } from '@carillon/sdk'
import { z } from 'zod'

export const order = defineHandler({
  name: 'order',
  input: z.object({ item: z.string(), cents: z.int().positive(), sendAt: z.iso.datetime().optional() }),
  output: z.object({ receipt: z.string(), chargedAt: z.string() }),
  attempts: 3,
  backoff: { type: 'exponential', delayMs: 10_000 },
  timeoutMs: 60_000,
})
