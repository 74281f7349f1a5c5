/**
 * Orders as a workflow: small ones are charged at once, large ones after a time in which they can be cancelled; two nodes follow side by side.
 * It is put by the program that offers its handlers, so the two always fit.
 */
import { connect, workflow } from '@carillon/sdk'
import { z } from 'zod'

const order = workflow('order', {
  input: z.object({ id: z.string(), total: z.number() }),
  description: 'from the basket to the door',
  output: '{"parcels": nodes.ship.result.parcels, "told": nodes.tell.state}',
})
  .node('reserve', { handler: 'reserve-stock' })
  .node('check', { decision: [{ when: 'payload.total > 1000', to: 'cool' }, { otherwise: 'charge' }], after: 'reserve' })
  .node('cool', { wait: { durationMs: 300 } })
  .node('charge', { handler: 'charge-card', after: ['check', 'cool'], attempts: 5, backoff: { type: 'fixed', delayMs: 50 } })
  .node('ship', { handler: 'ship', after: 'charge', payload: '{"id": payload.id, "parcels": nodes.reserve.result.parcels}' })
  .node('tell', { handler: 'tell', after: 'charge', onFailure: 'skip' })
  .done()

const mesh = await connect({ servers: process.env['CARILLON_NATS_URL'], service: 'shop' })
const charged = new Map<string, number>()
mesh.handle<{ id: string }>('reserve-stock', ({ payload }) => ({ parcels: [`${payload.id}-1`, `${payload.id}-2`] }))
mesh.handle<{ id: string }>('charge-card', ({ payload, attempt }) => {
  if (payload.id === 'A2' && attempt === 1) throw new Error('the bank does not answer')
  charged.set(payload.id, (charged.get(payload.id) ?? 0) + 1)
})
mesh.handle<{ parcels: string[] }>('ship', ({ payload }) => ({ parcels: payload.parcels.length }))
mesh.handle('tell', () => {
  throw new Error('no mail server')
})
await mesh.start()

await mesh.client.workflows.put(order)
const runs = await Promise.all([mesh.client.run(order, { id: 'A1', total: 20 }), mesh.client.run(order, { id: 'A2', total: 1_200 })])
for (const run of runs) {
  console.log(JSON.stringify(await run.result({ timeoutMs: 20_000 })))
  const { nodes = [] } = await mesh.client.runs.tree(run.id)
  console.log(nodes.map(({ id, state }) => `${id} ${state}`).join(', '))
}
console.log(
  `charged: ${[...charged]
    .map(([id, times]) => `${id} ${times}×`)
    .toSorted()
    .join(', ')}`,
)
await mesh.stop()
