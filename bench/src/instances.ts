import { connect } from '@carillon/sdk'

const now = () => performance.timeOrigin + performance.now()
const starts: number[] = []

/** Instances that a broadcast reaches; they note when. */
const servers = process.env['CARILLON_NATS_URL'] ?? ''
const count = Number(process.env['CARILLON_BENCH_INSTANCES'])
const meshes = await Promise.all(
  Array.from({ length: count }, () => connect({ servers, service: 'bench', namespace: 'bench', signals: false })),
)
for (const mesh of meshes) mesh.handle<{ at: number }>('cast', ({ payload }) => void starts.push(now() - payload.at))
await Promise.all(meshes.map((mesh) => mesh.start()))
process.on('message', () => process.send?.(starts.splice(0)))
process.on('disconnect', () => process.exit())
process.send?.('ready')
