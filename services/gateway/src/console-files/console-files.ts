import { existsSync, realpathSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { CarillonError } from '@carillon/contracts'
import serveFiles from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { NO_CONSOLE } from './no-console.ts'
import { fileOf, isHashed } from './rules/file-of.ts'

const INDEX = 'index.html'
const YEAR_S = 31_536_000

/** The files of the console, which is one page: what is no file is a place in it. */
export class ConsoleFiles {
  readonly #folder: string | undefined

  /** @param options.folder undefined: there is no console, and a page says so */
  constructor({ folder }: { readonly folder: string | undefined }) {
    this.#folder = folder === undefined ? undefined : resolve(folder)
  }

  async register(instance: FastifyInstance): Promise<void> {
    instance.get('/*', (request, reply) => this.#send(request, reply))
    if (this.#folder === undefined) return
    await instance.register(serveFiles, {
      root: this.#folder,
      serve: false,
      cacheControl: false,
      preCompressed: true,
      suppressWarning: true,
    } as never)
  }

  #send(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const path = (request.params as Record<string, string>)['*'] ?? ''
    const file = fileOf(path)
    const folder = this.#folder
    if (file === undefined || (folder === undefined ? file !== INDEX : leadsOut(folder, file))) {
      const message = `There is no ${request.method} /${path}`
      throw new CarillonError('HTTP_ROUTE_NOT_FOUND', message, { value: `/${path}` })
    }
    // Looked up each time: who works on the console builds it while a gateway runs.
    const isBuilt = folder !== undefined && (file !== INDEX || existsSync(join(folder, INDEX)))
    if (!isBuilt) return reply.type('text/html').send(NO_CONSOLE)
    reply.header('cache-control', isHashed(file) ? `public, max-age=${YEAR_S}, immutable` : 'no-cache')
    return reply.sendFile(file)
  }
}

/** Whether a link leads out of the folder. What is not there is not found later on. */
function leadsOut(folder: string, file: string): boolean {
  try {
    return !realpathSync(join(folder, file)).startsWith(realpathSync(folder) + sep)
  } catch {
    return false
  }
}
