/**
 * Orders as a workflow: small ones are charged at once, large ones when someone has approved them; each parcel is shipped, and a message says so. What was
 * done for an order that fails is undone, the last thing first. It is put by the program that offers its handlers, so the two always fit.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, connect, NonRetryableError, natsSettingsFrom, workflow } from '@carillon/sdk'
import { z } from 'zod'

const order = workflow('order', {
  input: z.object({ id: z.string(), total: z.number() }),
  description: 'from the basket to the door',
  output: '{"shipped": nodes["ship-each"].result.succeeded, "told": nodes.tell.state}',
})
  .node('reserve', { handler: 'reserve-stock', compensate: 'release-stock' })
  .node('check', { decision: [{ when: 'payload.total > 1000', to: 'approve' }, { otherwise: 'charge' }], after: 'reserve' })
  .node('approve', { wait: { approval: { timeout: '2d' } } })
  .node('charge', {
    handler: 'charge-card',
    after: ['check', 'approve'],
    attempts: 5,
    backoff: { type: 'fixed', delayMs: 50 },
    compensate: 'refund-card',
  })
  .node('ship-each', { foreach: 'nodes.reserve.result.parcels', handler: 'ship', maxParallel: 10, after: 'charge' })
  .node('tell', { publish: { subject: 'orders.shipped', body: '{"id": payload.id}' }, after: 'ship-each' })
  .done()

/** What has happened in the world, by order. */
const world = new Map<string, string[]>()
const note = (id: string, what: string) => world.set(id, [...(world.get(id) ?? []), what])
type Order = { readonly id: string }
/** What a handler is given that undoes a node. */
type Undo = { readonly payload: Order }

const mesh = await connect({ ...natsSettingsFrom(process.env), service: 'shop' })
mesh.handle<Order>('reserve-stock', ({ payload: { id } }) => {
  note(id, 'reserve')
  return { parcels: [`${id}-1`, `${id}-2`] }
})
mesh.handle<Order>('charge-card', ({ payload: { id }, attempt }) => {
  if (id === 'A2' && attempt === 1) throw new Error('the bank does not answer')
  note(id, 'charge')
})
mesh.handle<string>('ship', ({ payload: parcel }) => {
  if (parcel === 'A3-2') throw new NonRetryableError('it is too heavy')
})
mesh.handle<Undo>('refund-card', ({ payload: { payload } }) => void note(payload.id, 'refund'))
mesh.handle<Undo>('release-stock', ({ payload: { payload } }) => void note(payload.id, 'release'))
await mesh.start()

const { client } = mesh
await client.workflows.put(order)
const totals = { A1: 20, A2: 1_200, A3: 1_300, A4: 1_400 }
const runs = await Promise.all(Object.entries(totals).map(([id, total]) => client.run(order, { id, total })))
const [third = '', fourth = ''] = runs.slice(2).map(({ id }) => id)
// A signal is kept until the node waits for it; a decision is refused before.
await runs[1]?.signal('approve', { by: 'ada' })
await Promise.all([third, fourth].map((id) => untilItWaits(client, id)))
await client.runs.approve(third, 'approve', { note: 'a good customer' })
await client.runs.reject(fourth, 'approve', { note: 'too dear' })

for (const [i, run] of runs.entries()) {
  const { state, result, compensation } = await run.ended({ timeoutMs: 20_000 })
  const { nodes = [] } = await client.runs.tree(run.id)
  console.log(`A${i + 1} ${state}`, compensation === undefined ? JSON.stringify(result) : `compensation ${compensation}`)
  console.log(`   ${nodes.map((node) => `${node.id} ${node.state}`).join(', ')}`)
  console.log(`   ${world.get(`A${i + 1}`)?.join(', ')}`)
}
await mesh.stop()

async function untilItWaits(asker: Client, runId: string): Promise<void> {
  for (;;) {
    const { nodes = [] } = await asker.runs.tree(runId)
    if (nodes.some(({ id, state }) => id === 'approve' && state === 'delayed')) return
    await pause(20)
  }
}
