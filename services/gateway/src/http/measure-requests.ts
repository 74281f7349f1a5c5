import { meter } from '@carillon/runtime'
import type { FastifyInstance } from 'fastify'

/** Of what no route takes: its path may be anything. */
const UNMATCHED = 'unmatched'

/** Counts the requests of a gateway by route, never by path, and how long they took; of a stream until it ends. */
export function measureRequests(instance: FastifyInstance): void {
  const requests = meter.counter('carillon.http.requests', 'HTTP requests that were answered, by route and status')
  const durations = meter.seconds('carillon.http.duration.seconds', 'How long HTTP requests took, by route')
  instance.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? UNMATCHED
    requests.add(1, { method: request.method, route, status: String(reply.statusCode) })
    durations.record(reply.elapsedTime, { route })
    done()
  })
}
