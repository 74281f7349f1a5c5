/**
 * An executor as a process of its own that some of its tasks end: `throw` and `reject` where nobody catches it, `exit` with 0 after a line in the log (with
 * `{ waits: true }` not before its parent says so in the first attempt),
 * `kill` by SIGKILL. `nap` waits for `{ ms }`. Says "ready" when it is registered.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@carillon/sdk'

const { URL: servers, NAMESPACE: namespace } = process.env
const mesh = await connect({ servers, namespace, service: 'mortal', onWarning: () => undefined })
const options = { concurrency: 30 }
const soon = 300

mesh.handle<{ ms: number }>(
  'nap',
  async (ctx) => {
    await sleep(ctx.payload.ms)
    return ctx.attempt
  },
  options,
)
mesh.handle(
  'throw',
  async () => {
    setTimeout(() => {
      throw new TypeError('nobody catches this')
    }, soon)
    await sleep(60_000)
  },
  options,
)
mesh.handle(
  'reject',
  async () => {
    setTimeout(() => void Promise.reject(new RangeError('nobody waits for this')), soon)
    await sleep(60_000)
  },
  options,
)
mesh.handle<{ waits?: boolean } | null>(
  'exit',
  async (ctx) => {
    if (ctx.payload?.waits && ctx.attempt === 1) await once(process, 'message')
    else await sleep(soon)
    ctx.log.info('the last line')
    process.exit(0)
  },
  options,
)
mesh.handle(
  'kill',
  async () => {
    await sleep(soon)
    process.kill(process.pid, 'SIGKILL')
    await sleep(60_000)
  },
  options,
)
await mesh.start()
process.send?.('ready')
