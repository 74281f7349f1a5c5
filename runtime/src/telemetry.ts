import { type Attributes, type Context, context, propagation, SpanKind, trace } from '@opentelemetry/api'
import { measureEventLoop } from './event-loop.ts'
import { type MetricsSettings, serveMetrics } from './metrics.ts'
import type { Running } from './process.ts'

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT']

/**
 * Starts OpenTelemetry when an OTLP endpoint is configured (the standard OTEL_ variables), and serves metrics for Prometheus when there is a port for them; otherwise
 * loads nothing.
 * @throws CarillonError PORT_IN_USE
 */
export async function startTelemetry(options: {
  service: string
  environment: Readonly<Record<string, string | undefined>>
  metrics: MetricsSettings
}): Promise<Running & { readonly metricsUrl: string | undefined }> {
  const parts: Running[] = []
  const isExported = ENDPOINTS.some((name) => options.environment[name])
  if (isExported) {
    const { NodeSDK } = await import('@opentelemetry/sdk-node')
    const sdk = new NodeSDK({ serviceName: options.service })
    sdk.start()
    parts.push({ stop: () => sdk.shutdown() })
  }
  const served = await serveMetrics(options.metrics)
  parts.push(served)
  if (isExported || served.url !== undefined) parts.push(measureEventLoop())
  return {
    metricsUrl: served.url,
    stop: async () => {
      for (const part of parts) await part.stop()
    },
  }
}

/** Passes on to the provider that is registered later. To look for that one at each step takes longer than the rest of a step that is not traced. */
const tracer = trace.getTracer('carillon')

/**
 * Marks a step of a trace and answers the `traceparent` that goes on from it; without tracing the given one, at no cost.
 * @param parent `traceparent` of the caller; without one a new trace begins
 */
export function markStep(name: string, parent: string | undefined, attributes: Attributes): string | undefined {
  const from = contextOf(parent)
  const span = tracer.startSpan(name, { kind: SpanKind.PRODUCER, attributes }, from)
  if (!span.isRecording()) return parent
  const carrier: { traceparent?: string } = {}
  propagation.inject(trace.setSpan(from, span), carrier)
  span.end()
  return carrier.traceparent
}

/** The context that a message's `traceparent` names. */
function contextOf(traceparent: string | undefined): Context {
  return traceparent ? propagation.extract(context.active(), { traceparent }) : context.active()
}
