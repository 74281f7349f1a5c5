/**
 * An executor as a process of its own, to be killed and stopped: handler `work` takes `{ ms }` and answers who did it, `crash` ends its process.
 * Settings come from the environment; says "ready" when it is registered.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@carillon/sdk'

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
mesh.handle('crash', () => process.kill(process.pid, 'SIGKILL'))
await mesh.start()
process.send?.('ready')
