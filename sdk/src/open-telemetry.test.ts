import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '@opentelemetry/api'
import { openTelemetry } from './open-telemetry.ts'
import { NO_TRACE } from './telemetry.ts'

interface Recorded {
  readonly name: string
  readonly kind: api.SpanKind | undefined
  readonly parent: api.SpanContext | undefined
  readonly own: api.SpanContext
  status?: api.SpanStatus
  isEnded?: true
}

/** A provider that writes down what is asked of it. */
function recorder(): { provider: api.TracerProvider; spans: Recorded[] } {
  const spans: Recorded[] = []
  const startSpan: api.Tracer['startSpan'] = (name, options, context = api.ROOT_CONTEXT) => {
    const parent = api.trace.getSpanContext(context)
    const spanId = String(spans.length + 1).padStart(16, '0')
    const own = { traceId: parent?.traceId ?? 'a'.repeat(32), spanId, traceFlags: api.TraceFlags.SAMPLED }
    const recorded: Recorded = { name, kind: options?.kind, parent, own }
    spans.push(recorded)
    return Object.assign(api.trace.wrapSpanContext(own), {
      setStatus: (status: api.SpanStatus) => {
        recorded.status = status
      },
      end: () => {
        recorded.isEnded = true
      },
    }) as unknown as api.Span
  }
  return { provider: { getTracer: () => ({ startSpan }) as unknown as api.Tracer }, spans }
}

const work = { handler: 'h', runId: 'r', taskId: 't', attempt: 1 }

test('one trace leads from the call to the task, through the traceparent of the messages', () => {
  const { provider, spans } = recorder()
  const telemetry = openTelemetry(api, provider)
  const call = telemetry.call('runs.start')
  assert.match(call.traceparent ?? '', /^00-a{32}-0{15}1-01$/)
  const task = telemetry.task({ traceparent: call.traceparent, work })
  assert.equal(
    task.within(() => 5),
    5,
  )
  task.end('boom')
  call.end()
  assert.deepEqual(
    spans.map(({ name, kind }) => [name, kind]),
    [
      ['carillon.call runs.start', api.SpanKind.CLIENT],
      ['carillon.task h', api.SpanKind.CONSUMER],
    ],
  )
  assert.equal(spans[1]?.parent?.spanId, spans[0]?.own.spanId)
  assert.deepEqual([spans[0]?.status, spans[1]?.status?.message], [undefined, 'boom'])
  assert.ok(spans.every(({ isEnded }) => isEnded))
})

test('a broken traceparent begins a trace of its own', () => {
  const { provider, spans } = recorder()
  for (const traceparent of ['', 'garbage', '00-1-2-3']) openTelemetry(api, provider).task({ traceparent, work }).end()
  assert.deepEqual(
    spans.map(({ parent }) => parent),
    [undefined, undefined, undefined],
  )
})

test('without an OpenTelemetry SDK nothing is read or recorded, and a given context is handed on', () => {
  const telemetry = openTelemetry(api)
  const unread = {
    work,
    get traceparent(): string {
      throw new Error('nobody asked')
    },
  }
  assert.equal(telemetry.task(unread), NO_TRACE)
  assert.equal(telemetry.call('runs.get').traceparent, undefined)
  assert.equal(telemetry.call('runs.get', '00-x').traceparent, '00-x')
})
