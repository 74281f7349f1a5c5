import { connect } from '@carillon/sdk'
import { z } from 'zod'

// The first executor of a user, as the README shows it; the address comes first.
const mesh = await connect({ servers: process.argv[2], service: 'billing' })
mesh.handle(
  'send-invoice',
  async (ctx) => {
    ctx.log.info('sending', { to: ctx.payload.to })
    await ctx.progress(20)
    return { sent: true }
  },
  { concurrency: 10, input: z.object({ to: z.email() }) },
)
await mesh.start()
const run = await mesh.client.run('send-invoice', { to: 'ada@example.org' }, { key: 'order-1' })
console.log(await run.result())
