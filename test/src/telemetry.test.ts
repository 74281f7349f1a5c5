import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startCli } from './support/carillon.ts'
import { Cleanup } from './support/cleanup.ts'
import { launch } from './support/processes.ts'

interface Span {
  readonly traceId: string
  readonly name: string
}

/** An OTLP receiver that keeps the names of spans and metrics. */
async function receiver() {
  const spans: Span[] = []
  const metrics = new Set<string>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    for (const resource of body.resourceSpans ?? []) for (const scope of resource.scopeSpans) spans.push(...scope.spans)
    for (const resource of body.resourceMetrics ?? [])
      for (const scope of resource.scopeMetrics) for (const metric of scope.metrics) metrics.add(metric.name)
    response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { spans, metrics, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

const SERVICE = fileURLToPath(new URL('./traced-service.js', import.meta.url))

test('one trace leads from the call over the coordinator to the handler, and metrics are exported', async (t) => {
  const cleanup = new Cleanup(t)
  const { spans, metrics, url, close } = await receiver()
  cleanup.add('the receiver', close)
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_METRIC_EXPORT_INTERVAL: '500' }
  const mesh = startCli(cleanup, ['up', '--data', cleanup.folder(), '--port', '0'], { env })
  const [, natsUrl = ''] = await mesh.shows(/^Carillon is ready · (nats:\/\/\S+)$/m)
  const service = launch(cleanup, [process.execPath, SERVICE], { env: { ...env, CARILLON_NATS_URL: natsUrl } })
  assert.equal((await service.exited).code, 0, service.stderr())
  mesh.signal('SIGTERM')
  // Its last spans and metrics leave before it exits.
  await mesh.exited

  const traceId = spans.find(({ name }) => name === 'carillon.run.created')?.traceId
  const names = spans.filter((span) => span.traceId === traceId).map(({ name }) => name)
  assert.deepEqual(names.sort(), ['carillon.call runs.start', 'carillon.run.created', 'carillon.task traced'])
  assert.ok(metrics.has('carillon.runs.ended'), [...metrics].join())
})
