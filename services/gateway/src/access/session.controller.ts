import { parseInput } from '@carillon/contracts'
import type { FastifyRequest } from 'fastify'
import type { HttpController, Reply, Route } from '../http/http-controller.ts'
import { aboutAccounts } from './about-accounts.ts'
import type { ChangePassword } from './change-password.ts'
import type { CheckAccess } from './check-access.ts'
import { type KnownPrincipal, textOf } from './identify.ts'
import type { KnownNamespaces } from './known-namespaces.ts'
import { changePasswordSchema, signInSchema, useLinkSchema } from './rules/account-input.ts'
import { EVERYWHERE } from './rules/roles.ts'
import { refuseForeign } from './rules/same-origin.ts'
import type { Sessions } from './sessions.ts'
import { originOf, type SignIn } from './sign-in.ts'
import type { UseLink } from './use-link.ts'
import type { Users } from './users.ts'

export interface SessionParts {
  readonly origin: string | undefined
  readonly access: CheckAccess
  readonly users: Users
  readonly sessions: Sessions
  readonly signIn: SignIn
  readonly useLink: UseLink
  readonly changePassword: ChangePassword
  readonly namespaces: KnownNamespaces
  /** Where traces are shown, for those who are signed in: it may name a host that nobody else is to know. */
  readonly traceUrl: string | undefined
  /** Name of the provider by which people may sign in, too. */
  readonly provider: string | undefined
}

/** What is answered about a session is nobody else's to keep. */
const UNCACHED = { 'cache-control': 'no-store' }

/** Signing in and out. */
export function sessionController(parts: SessionParts): HttpController {
  const { access, users, sessions, signIn, useLink, changePassword, provider } = parts
  const at = (line: `${Route['method']} ${string}`, allowed: Route['allowed'], handle: Route['handle']): Route => {
    const [method, path] = line.split(' ') as [Route['method'], string]
    return {
      ...{ method, path: `/api/v1${path}`, allowed },
      ...aboutAccounts(line),
      handle: async (request, reply) => {
        refuseForeignPage(request, parts.origin)
        return handle(request, reply)
      },
    }
  }
  const view = async (request: FastifyRequest): Promise<Reply> => ({
    headers: UNCACHED,
    body: { ...(await viewOf(await access.readerOf(request), parts.namespaces)), traceUrl: parts.traceUrl },
  })
  return {
    name: 'Session',
    routes: [
      at('GET /session', 'account', view),
      at('POST /session', 'anyone', async (request) => {
        const user = await signIn.execute(parseInput(signInSchema, request.body ?? {}), originOf(request))
        return { status: 204, headers: await sessions.begin(user, request) }
      }),
      at('DELETE /session', 'anyone', async (request) => ({ status: 204, headers: await sessions.end(request) })),
      at('POST /session/link', 'anyone', async (request) => {
        const user = await useLink.execute(parseInput(useLinkSchema, request.body ?? {}), originOf(request))
        return { status: 204, headers: await sessions.begin(user, request) }
      }),
      at('POST /session/password', 'account', async (request) => {
        const given = parseInput(changePasswordSchema, request.body ?? {})
        const user = await changePassword.execute(await access.readerOf(request), given, originOf(request))
        return { status: 204, headers: await sessions.begin(user, request) }
      }),
      at('GET /session/ways', 'anyone', async () => ({
        headers: UNCACHED,
        body: { password: true, ...(provider === undefined ? {} : { oidc: { name: provider } }), isSetUp: await users.haveAdmin() },
      })),
      at('GET /namespaces', 'account', async (request) => {
        const { namespaces } = await viewOf(await access.readerOf(request), parts.namespaces)
        return { body: { items: Object.entries(namespaces).map(([name, rights]) => ({ name, ...rights })) } }
      }),
    ],
  }
}

/** Also without a cookie: a page of another site shall not sign anyone in under a name of its own. */
function refuseForeignPage({ method, headers }: FastifyRequest, origin: string | undefined): void {
  const site = textOf(headers['sec-fetch-site'])
  refuseForeign({ method, origin, host: headers.host, site, from: headers.origin }, true)
}

async function viewOf(principal: KnownPrincipal, known: KnownNamespaces) {
  const { id, name, kind } = principal
  const own = principal.namespaces
  const names = own.includes(EVERYWHERE) ? [...new Set([...own, ...(await known.names())])] : own
  const rights = names.flatMap((namespace) => {
    const role = principal.roleIn(namespace)
    return role === undefined
      ? []
      : [[namespace, { role, payloads: principal.seesPayloads(namespace), approves: principal.approvesIn(namespace) }] as const]
  })
  return { user: { id, name, kind }, namespaces: Object.fromEntries(rights) }
}
