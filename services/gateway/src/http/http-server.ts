import 'reflect-metadata'
import { CarillonError, parseBody, UnacceptableJson } from '@carillon/contracts'
import type { Logger, Service } from '@carillon/runtime'
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  Req,
  RequestMapping,
  RequestMethod,
  Res,
  type Type,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpController } from './http-controller.ts'
import { problemOf } from './problem.ts'

export interface HttpServerOptions {
  readonly host: string
  readonly port: number
  readonly onListening?: (url: string) => void
  readonly log: Logger
  readonly controllers: readonly HttpController[]
}

/** Time for a client to send its request: without one, a few slow clients hold every connection. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 10_000
/** The largest request of the calls. */
const BODY_BYTES = 1024 * 1024

/** Nest on Fastify, with the routes of all rooms. */
export class HttpServer implements Service {
  readonly #options: HttpServerOptions
  #app: NestFastifyApplication | undefined

  constructor(options: HttpServerOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { host, port, onListening, controllers, log } = this.#options
    const adapter = new FastifyAdapter({
      bodyLimit: BODY_BYTES,
      requestTimeout: REQUEST_TIMEOUT_MS,
      http: { headersTimeout: HEADERS_TIMEOUT_MS },
    })
    const app = await NestFactory.create<NestFastifyApplication>(moduleOf(controllers), adapter, {
      logger: false,
      abortOnError: false,
      bodyParser: false,
    })
    this.#app = app
    acceptJson(adapter)
    app.useGlobalFilters(new AnswerProblems(log))
    await app.listen(port, host).catch((error: unknown) => {
      throw refusedToListen(error, { host, port })
    })
    onListening?.(await app.getUrl())
  }

  async stop(): Promise<void> {
    await this.#app?.close()
    this.#app = undefined
  }
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

/** Bodies are read as messages are: too deep nesting and integers that cannot be kept exactly are refused. */
function acceptJson(adapter: FastifyAdapter): void {
  adapter.getInstance().addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const parsed = parseBody(body as Buffer, {})
    if (parsed instanceof UnacceptableJson) done(parsed.refusal('body'))
    else done(null, parsed)
  })
}

class AnswerProblems implements ExceptionFilter {
  readonly #log: Logger
  constructor(log: Logger) {
    this.#log = log
  }

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    const problem = problemOf(error)
    if (problem.status === 500) this.#log.error({ evt: 'http.failed', err: CarillonError.from(error).cause ?? error }, 'a request failed')
    await reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem))
  }
}
Catch()(AnswerProblems)

function moduleOf(controllers: readonly HttpController[]): DynamicModule {
  class GatewayModule {}
  return { module: GatewayModule, controllers: controllers.map(classOf) }
}

/** As a class, which is how Nest knows controllers. */
function classOf({ routes }: HttpController): Type {
  class RoomController {}
  for (const { method, path, handle } of routes) {
    const key = `${method} ${path}`
    const value = async (request: FastifyRequest, reply: FastifyReply) => {
      const answer = await handle(request, reply)
      if (answer === undefined) return
      await reply
        .status(answer.status ?? 200)
        .headers(answer.headers ?? {})
        .type('application/json')
        .send(JSON.stringify(answer.body))
    }
    const descriptor = { value, enumerable: false, configurable: true, writable: true }
    Object.defineProperty(RoomController.prototype, key, descriptor)
    RequestMapping({ method: RequestMethod[method], path: path.replaceAll(/\{(\w+)\}/g, ':$1') })(RoomController.prototype, key, descriptor)
    Req()(RoomController.prototype, key, 0)
    Res()(RoomController.prototype, key, 1)
  }
  Controller()(RoomController)
  return RoomController
}
