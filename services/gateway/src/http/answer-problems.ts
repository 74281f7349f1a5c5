import { CarillonError } from '@carillon/contracts'
import type { Logger } from '@carillon/runtime'
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { headersOfProblem, problemOf } from './problem.ts'
import { problemPage } from './problem-page.ts'
import { refusalOf } from './refusals.ts'

/** Answers what went wrong as problem details. */
export class AnswerProblems implements ExceptionFilter {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  catch(error: unknown, host: ArgumentsHost): void {
    this.answer(error, host.switchToHttp().getRequest<FastifyRequest>(), host.switchToHttp().getResponse<FastifyReply>())
  }

  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { id, method, url } = request
    const refusal = refusalOf(error, { method, path: url.split('?', 1)[0] ?? '', id })
    const problem = problemOf(refusal)
    if (problem.status === 500) {
      const { cause } = CarillonError.from(error)
      this.#log.error({ evt: 'http.failed', requestId: id, err: cause ?? error }, 'a request failed')
    }
    // Also in place of what a handler said of the answer that it meant to give.
    reply.headers({ 'cache-control': 'no-store', ...headersOfProblem(problem) })
    reply.status(problem.status)
    if (wantsPage(request)) reply.type('text/html; charset=utf-8').send(problemPage(problem))
    else reply.type('application/problem+json').send(JSON.stringify(problem))
  }
}
Catch()(AnswerProblems)

// A request that the router could not read has no route.
const wantsPage = ({ routeOptions, headers }: FastifyRequest): boolean =>
  routeOptions?.config?.room?.isPage === true && (headers.accept ?? '').includes('text/html')
