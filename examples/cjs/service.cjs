// A CommonJS service: `node examples/cjs/service.cjs`, on Node 20.19 and up.
const { connect } = require('@carillon/sdk')

async function main() {
  const mesh = await connect({ servers: process.env.CARILLON_NATS_URL ?? 'nats://127.0.0.1:4222', service: 'cjs-billing' })
  mesh.handle('cjs-hello', (ctx) => ({ greeting: `Hello, ${ctx.payload?.name ?? 'world'}!` }), { concurrency: 5 })
  await mesh.start()
  console.log(`ready ${mesh.instance}`)
}

main()
