/** An executor as a process of its own that offers `order`, with the version of its environment: it stores a step, and hangs in the next one. Says "ready" when it is registered. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@carillon/sdk'

const { URL: servers, NAMESPACE: namespace, VERSION: version } = process.env
const mesh = await connect({ servers, namespace, service: 'program', onWarning: () => undefined })
mesh.handle(
  'order',
  async (ctx) => {
    await ctx.step('reserve', () => version)
    await ctx.step('charge', () => sleep(600_000))
  },
  { version },
)
await mesh.start()
process.send?.('ready')
