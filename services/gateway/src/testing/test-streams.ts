import type { TestContext } from 'node:test'
import { CarillonError, type Role } from '@carillon/contracts'
import { ensureStream } from '@carillon/runtime'
import { type BrokerOfTest, eventually, FakeClock, startBrokerOf } from '@carillon/runtime/testing'
import fastify from 'fastify'
import { callRoutes } from '../http/call-routes.ts'
import type { Access, Route } from '../http/http-controller.ts'
import { problemOf } from '../http/problem.ts'
import { CallMesh } from '../mesh/call-mesh.ts'
import { type OpenStreams, STREAM_LIMITS, type StreamLimits } from '../streams/open-streams.ts'
import { streamsController, withFollowedLogs } from '../streams/streams.controller.ts'
import { streamsOf } from '../streams/streams-of.ts'
import type { TopicStreams } from '../streams/topic-streams.ts'
import { type EventReader, openEvents } from './event-reader.ts'

export const GATEWAY = 'gateway-test'
export const RUN = 'run00123456789abcdef'

/** Less than any heartbeat, limit or retry of a stream. */
const STEP_MS = 10

interface Rights {
  role: Role | undefined
  seesPayloads: boolean
  isSignedOut?: boolean
}

/** The streams of a gateway over a broker, with rights that a test sets: the name in the header `x-user` is who reads. */
export class TestStreams {
  readonly broker: BrokerOfTest
  readonly clock = new FakeClock()
  readonly rights = new Map<string, Rights>()
  readonly access: Access
  readonly #mesh: CallMesh
  readonly #parts: ReturnType<typeof streamsOf>
  url = ''

  constructor(broker: BrokerOfTest, limits: Partial<StreamLimits>) {
    this.broker = broker
    const { clock } = this
    this.access = {
      check: async ({ headers }) => {
        const id = String(headers['x-user'] ?? 'ann')
        const { role, seesPayloads, isSignedOut } = this.rights.get(id) ?? { role: 'viewer', seesPayloads: true }
        if (isSignedOut) throw new CarillonError('FORBIDDEN', 'signed out')
        return {
          kind: 'user' as const,
          id,
          name: id,
          roleIn: (namespace: string) => (namespace === 'default' ? role : undefined),
          approvesIn: () => [],
          seesPayloads: (namespace: string) => namespace === 'default' && seesPayloads,
        }
      },
    }
    const { log } = broker
    this.#mesh = new CallMesh({ broker })
    this.#parts = streamsOf({
      id: GATEWAY,
      broker,
      clock,
      log,
      access: this.access,
      mesh: this.#mesh,
      limits: { ...STREAM_LIMITS, ...limits },
    })
  }

  get streams(): OpenStreams {
    return this.#parts.open
  }

  get topicStreams(): TopicStreams {
    return this.#parts.topicStreams
  }

  async listen(): Promise<void> {
    const server = fastify()
    server.setErrorHandler((error, _request, reply) => {
      const problem = problemOf(error)
      return reply.status(problem.status).send(problem)
    })
    server.decorateRequest('principal', undefined)
    server.addHook('onRequest', async (request) => {
      request.principal = await this.access.check(request, request.routeOptions.config.room as Route)
    })
    const calls = withFollowedLogs(callRoutes(this.#mesh), this.#parts.runLogs)
    for (const room of [...streamsController(this.#parts).routes, ...calls.routes.filter(({ path }) => path.endsWith('/logs'))])
      server.route({
        method: room.method,
        url: room.path.replaceAll(/\{(\w+)\}/g, ':$1'),
        config: { room },
        handler: async (request, reply) => {
          const answer = await room.handle(request, reply)
          if (answer !== undefined) await reply.status(answer.status ?? 200).send(answer.body ?? '')
        },
      })
    this.url = await server.listen({ port: 0, host: '127.0.0.1' })
    await this.streams.start()
    this.broker.after(async () => {
      await this.streams.stop()
      await this.topicStreams.stop()
      await server.close()
    })
  }

  /** Opens the stream of topics and reads it. */
  async follow(topics: string, headers: Record<string, string> = {}, namespace = 'default'): Promise<EventReader> {
    return (await this.open(topics, headers, namespace)).read()
  }

  async open(topics: string, headers: Record<string, string> = {}, namespace = 'default'): Promise<EventReader> {
    return openEvents(`${this.url}/api/v1/stream?namespace=${namespace}&topics=${topics}`, headers)
  }

  /** Follows and waits until the stream has begun. */
  async begun(topics: string, headers: Record<string, string> = {}): Promise<EventReader & { readonly id: string }> {
    const reader = await this.follow(topics, headers)
    await reader.until('hello', (events) => events.length > 0)
    return Object.assign(reader, { id: reader.events[0]?.data.stream as string })
  }

  async change(id: string, body: object, user = 'ann'): Promise<{ status: number; body: Record<string, unknown> }> {
    const headers = { 'content-type': 'application/json', 'x-user': user }
    const answer = await fetch(`${this.url}/api/v1/stream/${encodeURIComponent(id)}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  /** Opens a stream of a program, and reads it. */
  async events(path: string, headers: Record<string, string> = {}): Promise<EventReader> {
    return (await openEvents(`${this.url}/api/v1/namespaces/default${path}`, headers)).read()
  }

  /** Waits while time passes: a stored stream that was announced too early is read again after some milliseconds. */
  eventually(what: string, isSo: () => boolean): Promise<boolean> {
    return eventually(what, async () => {
      await this.clock.advance(STEP_MS)
      return isSo()
    })
  }

  /** Answers a call, as its service does. */
  answer(call: string, answer: (input: Record<string, unknown>) => unknown): void {
    this.broker.connection.subscribe(`carillon.default.api.${call}`, {
      callback: (_error, message) => void message.respond(JSON.stringify(answer(message.json()))),
    })
  }

  publish(subject: string, body: unknown): void {
    this.broker.connection.publish(`carillon.default.${subject}`, typeof body === 'string' ? body : JSON.stringify(body))
  }

  /** @param what `live.run.<id>.<what>` */
  move(what: string, runId = RUN): void {
    this.publish(`live.run.${runId}.${what}`, { runId, handler: 'report', state: 'running', attempt: 1 })
  }

  log(first: number, last: number, runId = RUN): void {
    const lines = Array.from({ length: last - first + 1 }, (_, i) => ({
      seq: first + i,
      at: '2026-01-01T00:00:00Z',
      message: `line ${first + i}`,
    }))
    this.publish(`log.${runId}`, { runId, taskId: runId, attempt: 1, instance: 'i1', lines })
  }
}

export async function startTestStreams(t: TestContext, limits: Partial<StreamLimits> = {}): Promise<TestStreams> {
  const broker = await startBrokerOf(t)
  for (const name of ['EVENTS', 'LOGS'] as const) await ensureStream(broker.manager, name)
  const streams = new TestStreams(broker, limits)
  await streams.listen()
  return streams
}
