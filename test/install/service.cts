/** The same from CommonJS: Node gives the module to `require`. */
import sdk = require('@carillon/sdk')

async function main(servers: string): Promise<void> {
  const mesh = await sdk.connect({ servers, service: 'required' })
  mesh.handle<{ readonly name: string }>('greet-required', async (ctx) => ({ greeting: `Hello, ${ctx.payload.name}!` }))
  await mesh.start()
  const run = await mesh.client.run('greet-required', { name: 'CommonJS' })
  console.log(JSON.stringify(await run.result()))
  await mesh.stop()
}

main(process.argv[2] ?? 'nats://127.0.0.1:4222').catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
