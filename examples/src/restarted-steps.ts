/**
 * A task of durable steps as vtask's documentation has them: each step is stored, a failure ends the run at its step, and the run is restarted there, or
 * at an earlier step, without doing again what came before.
 */
import { CarillonError, connect, natsSettingsFrom } from '@carillon/sdk'
import { z } from 'zod'

/** What was done, in order. */
const done: string[] = []
let isDiskFull = true

const mesh = await connect({ ...natsSettingsFrom(process.env), service: 'releases' })
mesh.steps(
  'release',
  [
    { name: 'build', run: () => note('build', { image: 'shop:7' }) },
    { name: 'test', run: () => note('test'), attempts: 2 },
    {
      name: 'push',
      run: (ctx) => {
        if (isDiskFull) throw new Error('the disk of the registry is full')
        return note(`push ${(ctx.done['build'] as { image: string }).image}`)
      },
    },
    { name: 'announce', run: () => note('announce') },
  ],
  { input: z.object({ version: z.number() }) },
)
await mesh.start()

const { runs } = mesh.client
const run = await mesh.client.run('release', { version: 7 })
try {
  await run.result({ timeoutMs: 20_000 })
} catch (error) {
  console.log(CarillonError.is(error) && error.code, '| done:', done.splice(0).join(', '))
}

isDiskFull = false
await runs.retry(run.id)
await run.result({ timeoutMs: 20_000 })
console.log('restarted where it failed | done:', done.splice(0).join(', '))

await runs.retry(run.id, { fromStep: 'test' })
await run.result({ timeoutMs: 20_000 })
console.log('restarted at a step | done:', done.splice(0).join(', '))
await mesh.stop()

function note<Result>(what: string, result?: Result): Result | undefined {
  done.push(what)
  return result
}
