import { CarillonError, type HttpRoute, type Role } from '@carillon/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ZodType } from 'zod'

/** What a route answers. */
export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Sent as JSON; a text or bytes are sent as they are, under the `content-type` of `headers`. Absent: nothing is. */
  readonly body?: unknown
}

export interface Route {
  readonly method: HttpRoute['method']
  /** With `{field}` for what a segment of the path stands for. */
  readonly path: string
  /** Who may use it: a role in the namespace of the path, someone who is signed in, or anyone. */
  readonly allowed: Role | 'account' | 'anyone'
  /** The role is needed in every namespace: what the route does concerns all of them. */
  readonly everywhere?: boolean
  /** `raw`: the body is the Buffer that was sent, whatever its type, as signatures need it. Default: JSON, parsed. */
  readonly body?: 'raw'
  /** Browsers navigate there: what is refused is a page for people if they accept one. */
  readonly isPage?: boolean
  /** What the OpenAPI document says of it; a route without it is not in the document. */
  readonly about?: RouteAbout
  /** Answers; undefined when it has taken the reply over. */
  handle(request: FastifyRequest, reply: FastifyReply): Promise<Reply | undefined>
}

/** A route as the OpenAPI document describes it. */
export interface RouteAbout {
  /** Unique; the name of the function in a generated client. */
  readonly id: string
  readonly summary: string
  /** Groups the routes of the document. */
  readonly tag: string
  /** Fields of the query, as an object. */
  readonly query?: ZodType
  readonly body?: ZodType
  readonly answer?: ZodType
  /** Headers that change what the route does, and how. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default 200. */
  readonly status?: number
  /** Another status with the same answer. */
  readonly otherStatus?: number
  /** Default `application/json`. */
  readonly contentType?: string
}

/** The routes of a room. */
export interface HttpController {
  readonly name: string
  readonly routes: readonly Route[]
}

/** Who makes a request. */
export interface Principal {
  readonly kind: 'user' | 'token'
  readonly id: string
  readonly name: string
  roleIn(namespace: string): Role | undefined
  /** The roles of approvals in the namespace, beside the role. */
  approvesIn(namespace: string): readonly string[]
  /** Whether payloads, results, errors and log lines of the namespace may be shown. */
  seesPayloads(namespace: string): boolean
}

/** Decides who may use a route, in one place: before a body is read and before `handle`. */
export interface Access {
  /**
   * @returns undefined: the route is for anyone, and nobody is signed in
   * @throws CarillonError NOT_SIGNED_IN, FORBIDDEN
   */
  check(request: FastifyRequest, route: Route): Promise<Principal | undefined>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once `Access` has let the request in. */
    principal: Principal | undefined
  }
  interface FastifyContextConfig {
    /** Absent on routes that are not in the table of a room. */
    room?: Route
  }
}

/** Who makes the request. @throws CarillonError INTERNAL on a route that is for anyone */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal) return request.principal
  throw new CarillonError('INTERNAL', 'nobody is signed in on a route that is for anyone')
}
