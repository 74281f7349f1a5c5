import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CarillonError } from '@carillon/contracts'
import { type Attributes, type Meter, metrics } from '@opentelemetry/api'
import type { Running } from './process.ts'

/** Seconds: from what a loopback takes to what a long job does. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600]
const PATH = '/metrics'
const LABELS_AT_MOST = 200
const OTHER = 'other'

/** Gives one number with its attributes; may be called several times with others. */
export type Observe = (value: number, attributes?: Attributes) => void

/** Counts up. */
export interface Counter {
  add(count: number, attributes?: Attributes): void
}

/** A distribution of durations. */
export interface Durations {
  /** @param ms which become seconds, as Prometheus has them */
  record(ms: number, attributes?: Attributes): void
}

/** Where Prometheus reads from, beside what the standard OTEL_ variables configure. */
let served: Meter | undefined

const meters = (): Meter[] => [metrics.getMeter('carillon'), ...(served ? [served] : [])]

/** Our instruments. Asked for when an instrument is made: a meter that is taken before the SDK starts measures nothing for ever. */
export const meter = {
  counter(name: string, description: string): Counter {
    const counters = meters().map((one) => one.createCounter(name, { description }))
    return {
      add: (count, attributes) => {
        for (const counter of counters) counter.add(count, attributes)
      },
    }
  },
  seconds(name: string, description: string): Durations {
    const options = { description, unit: 's', advice: { explicitBucketBoundaries: SECONDS } }
    const histograms = meters().map((one) => one.createHistogram(name, options))
    return {
      record: (ms, attributes) => {
        for (const histogram of histograms) histogram.record(ms / 1_000, attributes)
      },
    }
  },
  /** @param observe is called whenever somebody reads; what it rejects with is dropped, as if it had observed nothing */
  gauge(name: string, description: string, observe: (observe: Observe) => void | Promise<void>): void {
    for (const one of meters())
      one.createObservableGauge(name, { description }).addCallback(async (result) => {
        await Promise.resolve(observe((value, attributes) => result.observe(value, attributes))).catch(() => undefined)
      })
  },
}

/** Names that users choose, as values of an attribute: so many different ones, and what comes after is `other`. */
export class BoundedLabel {
  readonly #known = new Set<string>()

  of(name: string): string {
    if (this.#known.has(name)) return name
    if (this.#known.size >= LABELS_AT_MOST) return OTHER
    this.#known.add(name)
    return name
  }
}

/** Where metrics are served. */
export interface MetricsSettings {
  readonly host: string
  /** 0 picks a free one; undefined: none are. */
  readonly port: number | undefined
}

/**
 * Serves metrics for Prometheus, from now on: instruments that were made before are not among them.
 * @throws CarillonError PORT_IN_USE
 */
export async function serveMetrics({ host, port }: MetricsSettings): Promise<Running & { readonly url: string | undefined }> {
  if (port === undefined) return { url: undefined, stop: async () => undefined }
  const [{ PrometheusExporter }, { MeterProvider }] = await Promise.all([
    import('@opentelemetry/exporter-prometheus'),
    import('@opentelemetry/sdk-metrics'),
  ])
  const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true, withoutTargetInfo: true })
  const provider = new MeterProvider({ readers: [exporter] })
  const server = createServer((request, response) => {
    const isRead = request.method === 'GET' && request.url?.split('?')[0] === PATH
    if (isRead) exporter.getMetricsRequestHandler(request, response)
    else response.writeHead(404, { 'content-type': 'text/plain' }).end(`GET ${PATH}\n`)
  })
  await listening(server, { host, port })
  const own = provider.getMeter('carillon')
  served = own
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}${PATH}`,
    stop: async () => {
      if (served === own) served = undefined
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await provider.shutdown()
    },
  }
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'EADDRINUSE' ? inUse(host, port, error) : error))
    server.listen(port, host, resolve)
  })
}

function inUse(host: string, port: number, cause: Error): CarillonError {
  return new CarillonError('PORT_IN_USE', `Port ${port} on ${host} is in use by another process.`, {
    field: 'port',
    value: String(port),
    hint: 'Choose another with --metrics-port or CARILLON_METRICS_PORT; 0 picks a free one.',
    cause,
  })
}
