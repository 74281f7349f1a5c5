import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { CarillonError } from '@carillon/contracts'
import type { Clock, Logger, Service } from '@carillon/runtime'
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Admission } from './admission.ts'
import { AnswerProblems } from './answer-problems.ts'
import { acceptBodies } from './body-parsers.ts'
import type { Access, HttpController } from './http-controller.ts'
import { measureRequests } from './measure-requests.ts'
import { moduleOf } from './nest-module.ts'
import { refuseOtherMethods } from './other-methods.ts'
import { problemOf } from './problem.ts'
import { RateLimits, type RateSettings } from './rate-limits.ts'
import { unreadable } from './refusals.ts'
import { allowedHosts } from './rules/hosts.ts'
import { acceptedRequestId } from './rules/request-id.ts'
import { securityHeaders } from './rules/security-headers.ts'

/** How a gateway is reached. */
export interface HttpSettings extends RateSettings {
  /** Address of this machine to listen on. */
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Where people reach it, such as `https://carillon.example.com`; undefined: under the address that it listens on. */
  readonly origin: string | undefined
  /** Pages of other origins that may call it. */
  readonly corsOrigins: readonly string[]
  /** Addresses or networks of proxies whose `X-Forwarded-For` says who asks. */
  readonly proxies: readonly string[]
  /** Open connections at a time; more are closed at once. */
  readonly maxConnections: number
  /** Of the built console; undefined: there is none, and a page says so. */
  readonly consoleFolder: string | undefined
  /** Where traces are shown: a URL with `{traceId}` in it; undefined: nowhere. */
  readonly traceUrl: string | undefined
  /** Called with the address once the server listens. */
  readonly onListening?: (url: string) => void
}

export interface HttpServerOptions extends HttpSettings {
  /** Of the gateway: request ids begin with it. */
  readonly id: string
  readonly log: Logger
  readonly clock: Clock
  readonly controllers: readonly HttpController[]
  readonly access: Access
  /** How long a request may take to arrive. */
  readonly times: Readonly<Record<keyof typeof REQUEST_TIMES, number>>
  /** What answers GET of every path that no controller has: files for browsers. */
  readonly files: { register(instance: FastifyInstance): Promise<void> }
}

/** Time for a client to send its request: without one, a few slow clients hold every connection. Checked that often: Node's default of 30 s would treble it. */
export const REQUEST_TIMES = { headersMs: 10_000, wholeMs: 30_000, checkEveryMs: 2_000 } as const
/** A connection on which nothing moves: longer than the deadline of the slowest call, 120 s. A stream sends a heartbeat every 15 s. */
const SILENCE_MS = 150_000
/** Requests over one connection; then it is opened again, so that the clients of a gateway spread over those that were started since. */
const REQUESTS_PER_CONNECTION = 100_000
/** Time for answers under way when the gateway stops; then connections are cut. */
const STOP_MS = 3_000
/** The largest request of the calls. */
const BODY_BYTES = 1024 * 1024
/** Answers below take longer to compress than to send. */
const COMPRESSED_FROM_BYTES = 1_024
/** Letters of one segment of a path: the ids of tasks are the longest. */
const SEGMENT_LENGTH = 256

/** Nest maps errors to those of its own, without their codes: `AnswerProblems` has all errors as they are. */
class GatewayAdapter extends FastifyAdapter {
  override setErrorHandler(): FastifyInstance {
    return this.getInstance()
  }
}

/** Nest on Fastify, with the routes of all rooms. */
export class HttpServer implements Service {
  readonly #options: HttpServerOptions
  #app: NestFastifyApplication | undefined

  constructor(options: HttpServerOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { host, port, onListening, controllers, log } = this.#options
    const problems = new AnswerProblems(log)
    const adapter = this.#adapter(problems)
    const app = await NestFactory.create<NestFastifyApplication>(moduleOf(controllers), adapter, {
      logger: false,
      abortOnError: false,
      bodyParser: false,
    })
    this.#app = app
    app.useGlobalFilters(problems)
    // Of what fails before Nest has the request. A route knows the handler that was set before it was.
    adapter.getInstance().setErrorHandler((error, request, reply) => problems.answer(error, request, reply))
    await this.#prepare(adapter.getInstance())
    await app.listen(port, host).catch((error: unknown) => {
      throw refusedToListen(error, { host, port })
    })
    onListening?.(await app.getUrl())
  }

  /** Requests that have arrived are answered. */
  async stop(): Promise<void> {
    const app = this.#app
    if (app === undefined) return
    // Browsers open connections in advance, on which nothing comes: the server would wait until their time is over.
    const patience = this.#options.clock.after(STOP_MS, () => app.getHttpServer().closeAllConnections())
    await app.close()
    patience.cancel()
    this.#app = undefined
  }

  #adapter(problems: AnswerProblems): FastifyAdapter {
    const { id, proxies, times } = this.#options
    const headers = this.#headers()
    let count = 0
    return new GatewayAdapter({
      bodyLimit: BODY_BYTES,
      requestTimeout: times.wholeMs,
      connectionTimeout: SILENCE_MS,
      maxRequestsPerSocket: REQUESTS_PER_CONNECTION,
      http: { headersTimeout: times.headersMs, connectionsCheckingInterval: times.checkEveryMs },
      routerOptions: { maxParamLength: SEGMENT_LENGTH },
      trustProxy: proxies.length > 0 ? [...proxies] : false,
      genReqId: ({ headers }: IncomingMessage) => acceptedRequestId(headers['x-request-id']) ?? `${id}-${(count++).toString(36)}`,
      clientErrorHandler: refuseBytes,
      // Of URLs that the router cannot read.
      frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
        problems.answer(error, request, reply.headers(headers)),
      // No middleware is used.
      skipMiddie: true,
    })
  }

  #headers(): Readonly<Record<string, string>> {
    return securityHeaders(this.#options.origin?.startsWith('https:') ?? false)
  }

  async #prepare(instance: FastifyInstance): Promise<void> {
    const { host, origin, corsOrigins, maxConnections, access, files, controllers } = this.#options
    instance.server.maxConnections = maxConnections
    instance.decorateRequest('principal', undefined)
    const admission = new Admission({
      access,
      limits: await RateLimits.register(instance, this.#options),
      hosts: allowedHosts(host, origin),
      headers: this.#headers(),
    })
    measureRequests(instance)
    instance.addHook('onRequest', (request, reply, done) => {
      admission.greet(request, reply)
      done()
    })
    if (corsOrigins.length > 0)
      await instance.register(cors, {
        origin: [...corsOrigins],
        exposedHeaders: ['etag', 'link', 'location', 'retry-after', 'x-request-id'],
      })
    instance.addHook('onRequest', (request, reply) => admission.admit(request, reply))
    await instance.register(compress, { threshold: COMPRESSED_FROM_BYTES, encodings: ['gzip'] })
    acceptBodies(instance)
    refuseOtherMethods(instance, controllers)
    await files.register(instance)
  }
}

/** Ends a connection on which there was no request. */
function refuseBytes(error: Error, socket: Socket): void {
  const { refusal, status } = unreadable(error)
  const text = JSON.stringify(problemOf(refusal))
  const head = `HTTP/1.1 ${status} ${refusal.code}\r\nContent-Type: application/problem+json\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n`
  if (socket.writable) socket.end(head + text)
  else socket.destroy()
}

function refusedToListen(error: unknown, { host, port }: { host: string; port: number }): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return error
  return new CarillonError('PORT_IN_USE', `Port ${port} on ${host} is in use by another process.`, {
    field: 'port',
    value: String(port),
    hint: 'Choose another with --http-port or CARILLON_HTTP_PORT; 0 picks a free one.',
    cause: error,
  })
}
