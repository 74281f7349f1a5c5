/**
 * An executor as a process of its own, with one slot and a handler `stubborn` that ignores `ctx.signal`: its bodies end when the parent says "release", from
 * then on at once. Answers that with the number of bodies that lived at the same time at most. Says "ready" when it is registered.
 */
import { once } from 'node:events'
import { connect } from '@carillon/sdk'

const { URL: servers, NAMESPACE: namespace, INSTANCE: instance } = process.env
const released = once(process, 'message')
let alive = 0
let peak = 0
const mesh = await connect({ servers, namespace, instance, service: 'stubborn', onWarning: () => undefined })
mesh.handle(
  'stubborn',
  async (ctx) => {
    peak = Math.max(peak, ++alive)
    await released
    alive--
    return ctx.attempt
  },
  { concurrency: 1 },
)
await mesh.start()
process.send?.('ready')
await released
process.send?.(peak)
