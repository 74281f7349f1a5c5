import { type Context, context, metrics, propagation, trace } from '@opentelemetry/api'
import type { Running } from './process.ts'

const OFF: Running = { stop: () => Promise.resolve() }

/** Starts OpenTelemetry when an OTLP endpoint is configured (the standard OTEL_ variables); otherwise loads nothing. */
export async function startTelemetry(options: {
  service: string
  environment: Readonly<Record<string, string | undefined>>
}): Promise<Running> {
  const endpoint = options.environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? options.environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
  if (!endpoint) return OFF
  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const sdk = new NodeSDK({ serviceName: options.service })
  sdk.start()
  return { stop: () => sdk.shutdown() }
}

export const tracer = trace.getTracer('carillon')
export const meter = metrics.getMeter('carillon')

/** The context that a message's `traceparent` names. */
export function contextOf(traceparent: string | undefined): Context {
  return traceparent ? propagation.extract(context.active(), { traceparent }) : context.active()
}

/** The active `traceparent`, or undefined without tracing. */
export function activeTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent
}
