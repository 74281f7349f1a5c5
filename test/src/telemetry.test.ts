import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

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

const CARILLON = fileURLToPath(new URL('../../cli/bin/carillon.js', import.meta.url))
const SERVICE = fileURLToPath(new URL('./traced-service.js', import.meta.url))

test('one trace leads from the call over the coordinator to the handler, and metrics are exported', async (t) => {
  const { spans, metrics, url, close } = await receiver()
  t.after(close)
  const data = mkdtempSync(join(tmpdir(), 'carillon-telemetry-'))
  const environment = {
    ...process.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRIC_EXPORT_INTERVAL: '500',
  }
  const mesh = spawn(process.execPath, [CARILLON, 'up', '--data', data, '--port', '0'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => rmSync(data, { recursive: true, force: true }))
  let printed = ''
  let natsUrl: string | undefined
  for await (const chunk of mesh.stdout) {
    printed += String(chunk)
    natsUrl = /Carillon is ready · (\S+)/.exec(printed)?.[1]
    if (natsUrl) break
  }
  assert.ok(natsUrl, printed)
  mesh.stdout.resume()
  const service = spawn(process.execPath, [SERVICE], { env: { ...environment, CARILLON_NATS_URL: natsUrl }, stdio: 'inherit' })
  const [code] = await once(service, 'exit')
  assert.equal(code, 0)
  mesh.kill('SIGTERM')
  // Its last spans and metrics leave before it exits.
  await once(mesh, 'exit')

  const traceId = spans.find(({ name }) => name === 'carillon.run.created')?.traceId
  const names = spans.filter((span) => span.traceId === traceId).map(({ name }) => name)
  assert.deepEqual(names.sort(), ['carillon.call runs.start', 'carillon.run.created', 'carillon.task traced'])
  assert.ok(metrics.has('carillon.runs.ended'), [...metrics].join())
})
