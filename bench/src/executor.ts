import { connect } from '@carillon/sdk'

const now = () => performance.timeOrigin + performance.now()
const starts: number[] = []
const lateness: number[] = []

/** The executor of every measurement: concurrency 100, handlers that do nothing or note when they were called. */
const mesh = await connect({ servers: process.env['CARILLON_NATS_URL'] ?? '', service: 'bench', namespace: 'bench' })
mesh.handle('noop', () => ({ ok: true }), { concurrency: 100 })
mesh.handle(
  'start',
  (context) => {
    starts.push(now() - (context.payload as { at: number }).at)
  },
  { concurrency: 100 },
)
mesh.handle(
  'slot',
  (context) => {
    lateness.push(now() - Date.parse(context.slot ?? ''))
  },
  { concurrency: 100 },
)
await mesh.start()
process.on('message', (ask: 'starts' | 'lateness') => process.send?.((ask === 'starts' ? starts : lateness).splice(0)))
process.on('disconnect', () => process.exit())
process.send?.('ready')
