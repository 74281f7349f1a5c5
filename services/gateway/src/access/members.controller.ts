import { checkName, parseInput } from '@carillon/contracts'
import type { FastifyRequest } from 'fastify'
import { type HttpController, principalOf, type Reply, type Route } from '../http/http-controller.ts'
import { aboutAccounts } from './about-accounts.ts'
import type { MadeLink } from './make-link.ts'
import type { Acting, Members } from './members.ts'
import type { RefusalTrail } from './refusal-trail.ts'
import { membershipSchema, newTokenSchema, pageSchema, rightsSchema } from './rules/account-input.ts'
import { EVERYWHERE } from './rules/roles.ts'
import { originOf } from './sign-in.ts'
import type { Tokens } from './tokens.ts'

export interface MembersParts {
  readonly members: Members
  readonly tokens: Tokens
  readonly refusals: RefusalTrail
  /** Where people reach the gateway. */
  readonly url: () => string
}

/** A namespace, or `*`: those who may do something everywhere. */
function namespaceOf(request: FastifyRequest): string {
  const { namespace } = request.params as { namespace: string }
  return namespace === EVERYWHERE ? namespace : checkName('namespace', namespace)
}

const idOf = ({ params }: FastifyRequest): string => (params as { id: string }).id

const actingOf = (request: FastifyRequest): Acting => ({
  principal: principalOf(request),
  namespace: namespaceOf(request),
  from: originOf(request),
})

/** Members and tokens of a namespace. */
export function membersController({ members, tokens, refusals, url }: MembersParts): HttpController {
  const at = (method: Route['method'], path: string, handle: (request: FastifyRequest) => Promise<Reply>): Route => ({
    ...{ method, path: `/api/v1/namespaces/{namespace}${path}`, allowed: 'admin' },
    handle: async (request) => {
      try {
        return await handle(request)
      } catch (error) {
        refusals.keep(request, principalOf(request), error)
        throw error
      }
    },
    ...aboutAccounts(`${method} ${path}`),
  })
  const linkReply = ({ path, expiresAt }: MadeLink): Reply => ({
    status: 201,
    headers: { 'cache-control': 'no-store' },
    body: { url: `${url()}${path}`, expiresAt },
  })
  return {
    name: 'Members',
    routes: [
      at('GET', '/members', async (request) => ({ body: { items: await members.list(namespaceOf(request)) } })),
      at('POST', '/members', async (request) =>
        linkReply(await members.invite(parseInput(rightsSchema, request.body ?? {}), actingOf(request))),
      ),
      at('GET', '/members/{id}', async (request) => ({ body: await members.get(namespaceOf(request), idOf(request)) })),
      at('PUT', '/members/{id}', async (request) => ({
        body: await members.put(idOf(request), parseInput(membershipSchema, request.body ?? {}), actingOf(request)),
      })),
      at('DELETE', '/members/{id}', async (request) => {
        await members.remove(idOf(request), actingOf(request))
        return { status: 204 }
      }),
      at('POST', '/members/{id}/reset', async (request) => linkReply(await members.reset(idOf(request), actingOf(request)))),
      at('GET', '/tokens', async (request) => ({
        body: await tokens.list(namespaceOf(request), parseInput(pageSchema, request.query, 'query')),
      })),
      at('POST', '/tokens', async (request) => ({
        status: 201,
        headers: { 'cache-control': 'no-store' },
        body: await tokens.create(parseInput(newTokenSchema, request.body ?? {}), actingOf(request)),
      })),
      at('DELETE', '/tokens/{id}', async (request) => {
        await tokens.remove(idOf(request), actingOf(request))
        return { status: 204 }
      }),
    ],
  }
}
