/** Offers orders, and asks for one, on a mesh that runs: `npx carillon up`, then `node examples/dist/order/service.js`. */
import { connect, natsSettingsFrom } from '@carillon/sdk'
import { order } from './definition.ts'
import { carryOut } from './handler.ts'

const mesh = await connect({ ...natsSettingsFrom(process.env), service: 'orders' })
const world = {
  charge: async (key: string) => ({ receipt: `r-${key.slice(-4)}`, at: new Date() }),
  send: async (_key: string, item: string) => console.log(`${item} is sent`),
}
mesh.handle(order, carryOut(world), { concurrency: 20 })
await mesh.start()
const run = await mesh.client.run(order, { item: 'book', cents: 900 }, { key: 'book-1' })
const { receipt, chargedAt } = await run.result()
console.log(`receipt ${receipt.length} letters, charged ${chargedAt.slice(0, 2)}..`)
await mesh.stop()
