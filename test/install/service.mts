/** A service as an ES module that is given the SDK from its tarball: types are checked with `skipLibCheck: false`, then it is run. */
import { CarillonError, connect, NonRetryableError, type TaskContext } from '@carillon/sdk'

const servers = process.argv[2] ?? 'nats://127.0.0.1:4222'
const mesh = await connect({ servers, service: 'installed' })

async function greet(ctx: TaskContext<{ readonly name: string }>): Promise<{ greeting: string }> {
  if (ctx.payload.name === '') throw new NonRetryableError('there is nobody to be greeted')
  ctx.log.info('someone is to be greeted', { name: ctx.payload.name })
  await ctx.progress(50)
  return { greeting: `Hello, ${ctx.payload.name}!` }
}

mesh.handle('greet', greet)
await mesh.start()
try {
  const run = await mesh.client.run('greet', { name: 'module' }, { key: 'first', attempts: 2 })
  const again = await mesh.client.run('greet', { name: 'module' }, { key: 'first', attempts: 2 })
  console.log(JSON.stringify(await again.result()), run.id === again.id)
  const refused = await mesh.client.run('greet', { name: '' })
  await refused.result()
} catch (error) {
  console.log(CarillonError.is(error) ? error.code : String(error))
} finally {
  await mesh.stop()
}
