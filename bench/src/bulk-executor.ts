import { connect } from '@carillon/sdk'

/** Does the many large tasks of a measurement, beside the executor whose starts are timed. */
const mesh = await connect({ servers: process.env['CARILLON_NATS_URL'] ?? '', service: 'bench-bulk', namespace: 'bench' })
for (const handler of ['bulk', 'due']) mesh.handle(handler, () => undefined, { concurrency: 100 })
await mesh.start()
process.on('disconnect', () => process.exit())
process.send?.('ready')
