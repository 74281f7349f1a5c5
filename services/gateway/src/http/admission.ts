import { CarillonError, printable } from '@carillon/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasAcceptedType } from './body-parsers.ts'
import type { Access } from './http-controller.ts'
import type { RateLimits } from './rate-limits.ts'
import { hostName } from './rules/hosts.ts'

export interface AdmissionOptions {
  readonly access: Access
  readonly limits: RateLimits
  /** Undefined: any name. */
  readonly hosts: ReadonlySet<string> | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** What is decided of every request before its body is read. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** The headers of every answer, also of a refusal. @throws CarillonError HOST_UNKNOWN */
  greet(request: FastifyRequest, reply: FastifyReply): void {
    const { hosts, headers } = this.#options
    reply.headers(headers).header('x-request-id', request.id)
    const host = hostName(request.headers.host)
    if (hosts === undefined || hosts.has(host)) return
    const hint = 'Use localhost, or set CARILLON_HTTP_ORIGIN to the address that people use.'
    throw new CarillonError('HOST_UNKNOWN', `This gateway is not called ${printable(host)}`, {
      field: 'host',
      value: printable(host),
      hint,
    })
  }

  /** @throws CarillonError NOT_SIGNED_IN, FORBIDDEN, RATE_LIMITED, UNSUPPORTED_MEDIA_TYPE */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access, limits } = this.#options
    const { room } = request.routeOptions.config
    if (room === undefined) return
    try {
      request.principal = await access.check(request, room)
    } catch (error) {
      // Counted by address: who tries tokens is slowed down.
      await limits.count(request, reply)
      throw error
    }
    await limits.count(request, reply)
    if (hasAcceptedType(request)) return
    const type = printable(request.headers['content-type'] ?? 'none')
    throw new CarillonError('UNSUPPORTED_MEDIA_TYPE', `The body is of the type ${type}`, { field: 'content-type', value: type })
  }
}
