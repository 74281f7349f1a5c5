/**
 * The workflow that SnailJob's documentation is about, as a graph in code: tasks that share a context, a decision on it, branches of which one is taken,
 * a node after both, and a failure that may be skipped.
 */
import { connect, natsSettingsFrom, workflow } from '@carillon/sdk'
import { z } from 'zod'

const sales = z.object({ amounts: z.array(z.number()) })

const report = workflow('sales-report', {
  input: sales,
  output: '{"total": context.total, "by": context.by, "archive": nodes.archive.state}',
})
  .node('add-up', { handler: 'add-up' })
  .node('rate', { handler: 'exchange-rate' })
  .node('size', {
    decision: [{ when: 'double(context.total) * context.rate > 1000.0', to: 'board' }, { otherwise: 'team' }],
    after: ['add-up', 'rate'],
  })
  .node('board', { handler: 'inform-board' })
  .node('team', { handler: 'inform-team' })
  .node('archive', { handler: 'archive', after: ['board', 'team'], onFailure: 'skip' })
  .done()

const mesh = await connect({ ...natsSettingsFrom(process.env), service: 'sales' })
mesh.handle(
  'add-up',
  (ctx) =>
    ctx.set(
      'total',
      ctx.payload.amounts.reduce((sum, amount) => sum + amount, 0),
    ),
  { input: sales },
)
mesh.handle('exchange-rate', (ctx) => ctx.set('rate', 1.1))
mesh.handle('inform-board', (ctx) => ctx.set('by', `board, ${ctx.context['total']} × ${ctx.context['rate']}`))
mesh.handle('inform-team', (ctx) => ctx.set('by', 'team'))
mesh.handle('archive', () => {
  throw new Error('the archive is closed')
})
await mesh.start()

await mesh.client.workflows.put(report)
for (const amounts of [
  [500, 700],
  [20, 30],
]) {
  const run = await mesh.client.run(report, { amounts })
  console.log(JSON.stringify(await run.result({ timeoutMs: 20_000 })))
  const { nodes = [] } = await mesh.client.runs.tree(run.id)
  console.log(nodes.map(({ id, state }) => `${id} ${state}`).join(', '))
}
await mesh.stop()
