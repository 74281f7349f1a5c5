/**
 * An executor as a process of its own that prints what it runs: one line `ran <run> <attempt>` at the beginning of each attempt. Handler `spin`
 * computes for `{ ms }` without a pause, `nap` waits for so long. No await at the top level, so that it can be one file in either format of modules.
 */
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TaskContext } from '@carillon/sdk'

/** Other processes of the machine have priority. */
const LOWEST_PRIORITY = 19

const say = ({ runId, attempt }: TaskContext<unknown>) => process.stdout.write(`ran ${runId} ${attempt}\n`)

async function main(): Promise<void> {
  const { URL: servers, NAMESPACE: namespace, INSTANCE: instance, CONCURRENCY: concurrency = '10' } = process.env
  const onWarning = ({ code, message }: { code: string; message: string }) => void process.stderr.write(`${code}: ${message}\n`)
  const mesh = await connect({ servers, namespace, instance, service: 'worker', onWarning })
  const options = { concurrency: Number(concurrency) }
  mesh.handle<{ ms: number }>(
    'spin',
    (ctx) => {
      say(ctx)
      setPriority(LOWEST_PRIORITY)
      const until = performance.now() + ctx.payload.ms
      while (performance.now() < until) JSON.stringify({ until })
      return instance
    },
    options,
  )
  mesh.handle<{ ms: number }>(
    'nap',
    async (ctx) => {
      say(ctx)
      if (ctx.payload.ms > 0) await sleep(ctx.payload.ms)
      return instance
    },
    options,
  )
  await mesh.start()
  process.stdout.write('ready\n')
}

void main()
