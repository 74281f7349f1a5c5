import type { Context, Span, TracerProvider } from '@opentelemetry/api'
import { NO_TRACE, plainTelemetry, type Telemetry, type Trace } from './telemetry.ts'

type Api = typeof import('@opentelemetry/api')
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/

/** Telemetry through `@opentelemetry/api` where the application has installed it, an optional peer dependency. */
export async function loadTelemetry(): Promise<Telemetry> {
  try {
    return openTelemetry(await import('@opentelemetry/api'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return plainTelemetry
    throw error
  }
}

const TRACER = '@carillon/sdk'

/** @param provider default: the application's global one */
export function openTelemetry(api: Api, provider: TracerProvider = api.trace.getTracerProvider()): Telemetry {
  const tracer = provider.getTracer(TRACER)
  /** An application may have the package and no SDK, or start its SDK later. */
  const isIdle = () => provider instanceof api.ProxyTracerProvider && provider.getDelegateTracer(TRACER) === undefined
  const parentOf = (traceparent: string | undefined, otherwise: Context): Context => {
    const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? []
    if (traceId === undefined || spanId === undefined || flags === undefined) return otherwise
    return api.trace.setSpanContext(api.ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true })
  }
  const traceOf = (span: Span, parent: Context): Trace => ({
    traceparent: traceparentOf(span),
    within: (action) => api.context.with(api.trace.setSpan(parent, span), action),
    end(failure) {
      if (failure !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failure })
      span.end()
    },
  })
  return {
    call(name, traceparent) {
      if (isIdle()) return plainTelemetry.call(name, traceparent)
      const context = parentOf(traceparent, api.context.active())
      return traceOf(tracer.startSpan(`carillon.call ${name}`, { kind: api.SpanKind.CLIENT }, context), context)
    },
    task(task) {
      if (isIdle()) return NO_TRACE
      const { handler, runId, taskId, attempt } = task.work
      const context = parentOf(task.traceparent, api.ROOT_CONTEXT)
      const attributes = { 'carillon.run.id': runId, 'carillon.task': taskId, 'carillon.attempt': attempt }
      return traceOf(tracer.startSpan(`carillon.task ${handler}`, { kind: api.SpanKind.CONSUMER, attributes }, context), context)
    },
  }
}

function traceparentOf(span: Span): string | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return /^0+$/.test(traceId) ? undefined : `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}
