/** A service with OpenTelemetry of its own: calls its own handler once. */
import { NodeSDK } from '@opentelemetry/sdk-node'

const telemetry = new NodeSDK({ serviceName: 'traced-service' })
telemetry.start()
const { connect } = await import('@carillon/sdk')
const mesh = await connect({ servers: process.env['CARILLON_NATS_URL'] ?? '', service: 'traced-service', signals: false })
mesh.handle('traced', () => ({ ok: true }))
await mesh.start()
const run = await mesh.client.run('traced', {})
await run.result()
await mesh.stop()
await telemetry.shutdown()
