import type { HttpRoute, Role } from '@carillon/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** What a route answers. */
export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Route {
  readonly method: HttpRoute['method']
  /** With `{field}` for what a segment of the path stands for. */
  readonly path: string
  /** Who may use it: a role in the namespace of the path, someone who is signed in, or anyone. */
  readonly allowed: Role | 'account' | 'anyone'
  /** Answers; undefined when it has taken the reply over. */
  handle(request: FastifyRequest, reply: FastifyReply): Promise<Reply | undefined>
}

/** The routes of a room. */
export interface HttpController {
  readonly name: string
  readonly routes: readonly Route[]
}
