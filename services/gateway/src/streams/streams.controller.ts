import { HTTP_ROUTES } from '@carillon/contracts'
import * as z from 'zod'
import type { HttpController, Reply, Route, RouteAbout } from '../http/http-controller.ts'
import { eventsQuery, type NamespaceEvents } from './namespace-events.ts'
import { type RunEvents, runEventsQuery } from './run-events.ts'
import type { RunLogs } from './run-logs.ts'
import { isHead } from './sse-connection.ts'
import { changeSchema, querySchema, type TopicStreams } from './topic-streams.ts'

interface Streams {
  readonly topicStreams: TopicStreams
  readonly namespaceEvents: NamespaceEvents
  readonly runEvents: RunEvents
}

const OF_NAMESPACE = '/api/v1/namespaces/{namespace}'
const EVENTS = { tag: 'Streams', contentType: 'text/event-stream', answer: z.string() } as const

export const streamsController = ({ topicStreams, namespaceEvents, runEvents }: Streams): HttpController => ({
  name: 'Streams',
  routes: [
    stream(
      { path: '/api/v1/stream', allowed: 'account', open: (request, reply) => topicStreams.open(request, reply) },
      { id: 'openStream', summary: 'One stream for all topics that a browser follows in a namespace', query: querySchema, ...EVENTS },
    ),
    {
      method: 'POST',
      path: '/api/v1/stream/{id}',
      allowed: 'account',
      about: {
        id: 'changeStream',
        summary: 'Add and remove topics of an open stream',
        tag: 'Streams',
        body: changeSchema,
        answer: CHANGED,
      },
      handle: async (request) => {
        const { id } = request.params as { id: string }
        return { body: await topicStreams.change(id, request) }
      },
    },
    stream(
      { path: `${OF_NAMESPACE}/events`, allowed: 'viewer', open: (request, reply) => namespaceEvents.open(request, reply) },
      { id: 'followEvents', summary: 'All events of a namespace', query: eventsQuery, ...EVENTS },
    ),
    stream(
      { path: `${OF_NAMESPACE}/runs/{runId}/events`, allowed: 'viewer', open: (request, reply) => runEvents.open(request, reply) },
      { id: 'followRun', summary: 'What happens to a run, until its end', query: runEventsQuery, ...EVENTS },
    ),
  ],
})

const CHANGED = z.object({ topics: z.array(z.string()), cursor: z.string() })

/** The routes of calls, of which that of log lines has a stream with `follow=true`. */
export function withFollowedLogs(calls: HttpController, runLogs: RunLogs): HttpController {
  const { method, path } = HTTP_ROUTES.logsQuery
  const isLogs = (route: Route) => route.method === method && route.path === OF_NAMESPACE + path
  const followed = (route: Route): Route => ({
    ...route,
    handle: async (request, reply) => {
      if ((request.query as { follow?: unknown }).follow === undefined) return route.handle(request, reply)
      return isHead(request) ? {} : runLogs.open(request, reply)
    },
  })
  return { ...calls, routes: calls.routes.map((route) => (isLogs(route) ? followed(route) : route)) }
}

/** A route that takes the reply over; `HEAD` of it has no stream. */
function stream(
  { path, allowed, open }: Pick<Route, 'path' | 'allowed'> & { open(...of: Parameters<Route['handle']>): Promise<Reply | undefined> },
  about: RouteAbout,
): Route {
  return {
    ...{ method: 'GET', path, allowed, about },
    handle: async (request, reply) => (isHead(request) ? {} : open(request, reply)),
  }
}
