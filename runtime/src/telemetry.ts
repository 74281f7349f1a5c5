import { type Attributes, type Context, context, metrics, propagation, SpanKind, trace } from '@opentelemetry/api'
import type { Running } from './process.ts'

const OFF: Running = { stop: () => Promise.resolve() }

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT']

/** Starts OpenTelemetry when an OTLP endpoint is configured (the standard OTEL_ variables); otherwise loads nothing. */
export async function startTelemetry(options: {
  service: string
  environment: Readonly<Record<string, string | undefined>>
}): Promise<Running> {
  if (!ENDPOINTS.some((name) => options.environment[name])) return OFF
  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const sdk = new NodeSDK({ serviceName: options.service })
  sdk.start()
  return { stop: () => sdk.shutdown() }
}

/** Our instruments. Asked for when an instrument is made: a meter that is taken before the SDK starts measures nothing for ever. */
export const meter = {
  counter: (name: string, description: string) => metrics.getMeter('carillon').createCounter(name, { description }),
  milliseconds: (name: string, description: string) => metrics.getMeter('carillon').createHistogram(name, { unit: 'ms', description }),
}

/**
 * Marks a step of a trace and answers the `traceparent` that goes on from it; without tracing the given one, at no cost.
 * @param parent `traceparent` of the caller; without one a new trace begins
 */
export function markStep(name: string, parent: string | undefined, attributes: Attributes): string | undefined {
  const from = contextOf(parent)
  const span = trace.getTracer('carillon').startSpan(name, { kind: SpanKind.PRODUCER, attributes }, from)
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
