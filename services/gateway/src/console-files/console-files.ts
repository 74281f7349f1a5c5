import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CarillonError } from '@carillon/contracts'
import serveFiles from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { NO_CONSOLE } from './no-console.ts'
import { fileOf, isHashed } from './rules/file-of.ts'

const INDEX = 'index.html'
const YEAR_S = 31_536_000

/** The files of the console, which is one page: what is no file is a place in it. */
export class ConsoleFiles {
  readonly #folder: string

  constructor({ folder }: { readonly folder: string }) {
    this.#folder = folder
  }

  async register(instance: FastifyInstance): Promise<void> {
    await instance.register(serveFiles, {
      root: this.#folder,
      serve: false,
      cacheControl: false,
      preCompressed: true,
      suppressWarning: true,
    } as never)
    instance.get('/*', (request, reply) => this.#send(request, reply))
  }

  #send(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const path = (request.params as Record<string, string>)['*'] ?? ''
    const file = fileOf(path)
    if (file === undefined) throw new CarillonError('HTTP_ROUTE_NOT_FOUND', `There is no ${request.method} /${path}`, { value: `/${path}` })
    // Looked up each time: whoever works on the console builds it while a gateway runs.
    if (file === INDEX && !existsSync(join(this.#folder, INDEX))) return reply.type('text/html').send(NO_CONSOLE)
    reply.header('cache-control', isHashed(file) ? `public, max-age=${YEAR_S}, immutable` : 'no-cache')
    return reply.sendFile(file)
  }
}
