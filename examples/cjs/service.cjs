// A CommonJS service: `node examples/cjs/service.cjs`, on Node 20.19 and up.
const { connect, natsSettingsFrom } = require('@carillon/sdk')

async function main() {
  const mesh = await connect({ ...natsSettingsFrom(process.env), service: 'cjs-billing' })
  mesh.handle('cjs-hello', (ctx) => ({ greeting: `Hello, ${ctx.payload?.name ?? 'world'}!` }), { concurrency: 5 })
  await mesh.start()
  console.log(`ready ${mesh.instance}`)
}

main()
