/** What a real handler needs: a time limit that it obeys, errors that declare whether to retry, and a client without handlers. */
import { CarillonError, connect, NonRetryableError, RetryAfterError } from '@carillon/sdk'

const servers = process.env['CARILLON_NATS_URL'] ?? 'nats://127.0.0.1:4222'
const mesh = await connect({ servers, service: 'downloads', labels: { region: 'eu' } })

mesh.handle<{ url: string }>('download', async (ctx) => {
  // The signal aborts on a time-out, a cancel and at the end of a drain.
  const answer = await fetch(ctx.payload.url, { signal: ctx.signal })
  if (answer.status === 404) throw new NonRetryableError(`there is no ${ctx.payload.url}`)
  if (answer.status === 429) throw new RetryAfterError('asked to wait', Number(answer.headers.get('retry-after') ?? 1) * 1_000)
  const { byteLength } = await answer.arrayBuffer()
  ctx.log.info('downloaded', { byteLength, attempt: ctx.attempt })
  return { byteLength }
})
await mesh.start()

const backoff = { type: 'exponential', delayMs: 500 } as const
const requests = ['a', 'b', 'c'].map((name) => ({
  handler: 'download',
  payload: { url: `data:text/plain,${name}` },
  attempts: 3,
  backoff,
  timeoutMs: 10_000,
}))
for (const outcome of await mesh.client.runMany(requests)) {
  if (outcome.ok) console.log(await outcome.run.result())
  else console.error(outcome.error.code, outcome.error.message)
}

try {
  const run = await mesh.client.run('download', { url: 'http://127.0.0.1:9/' })
  await run.result()
} catch (error) {
  // Every error has a code of the catalogue: docs/ERRORS.md.
  console.log(CarillonError.is(error) && error.code)
}
await mesh.stop()
