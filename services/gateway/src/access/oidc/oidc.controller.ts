import { CarillonError, parseInput } from '@carillon/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpController, Reply, Route } from '../../http/http-controller.ts'
import { aboutAccounts } from '../about-accounts.ts'
import { beginOidcSchema } from '../rules/account-input.ts'
import { cookieName, cookieOf, ownOrigin, setCookie } from '../rules/cookies.ts'
import type { Sessions } from '../sessions.ts'
import { originOf } from '../sign-in.ts'
import { FLOW_MS } from './rules/flow.ts'
import type { SignInThroughProvider } from './sign-in-through-provider.ts'

interface OidcParts {
  readonly origin: string | undefined
  readonly sessions: Sessions
  /** Undefined: no provider is set. */
  readonly signIn: SignInThroughProvider | undefined
}

const PATH = '/api/v1/session/oidc'
const CALLBACK = `${PATH}/callback`

/** Signing in through a provider of identities. Browsers come here as to pages, so refusals are pages, too. */
export function oidcController({ origin, sessions, signIn }: OidcParts): HttpController {
  const at = (path: string, handle: (request: FastifyRequest, reply: FastifyReply) => Promise<Reply>): Route => ({
    ...{ method: 'GET', path, allowed: 'anyone', isPage: true, handle },
    ...aboutAccounts(`GET ${path.slice('/api/v1'.length)}`),
  })
  const place = ({ headers: { host } }: FastifyRequest) => ({ origin, host })
  const kept = (request: FastifyRequest, value: string, maxAgeS: number) => {
    const reachedAt = place(request)
    return setCookie(reachedAt, { name: cookieName(reachedAt, 'oidc'), value, maxAgeS })
  }
  return {
    name: 'Oidc',
    routes: [
      at(PATH, async (request) => {
        const { return: page } = parseInput(beginOidcSchema, request.query, 'query')
        const redirectUri = `${ownOrigin(place(request))}${CALLBACK}`
        const { location, cookie } = await configured(signIn).begin(page, redirectUri)
        return redirect(location, [kept(request, cookie, FLOW_MS / 1_000)])
      }),
      at(CALLBACK, async (request, reply) => {
        const forget = kept(request, '', 0)
        // Also of a refusal.
        reply.header('set-cookie', forget)
        const cookie = cookieOf(request.headers.cookie, cookieName(place(request), 'oidc'))
        const url = new URL(`${ownOrigin(place(request))}${CALLBACK}`)
        url.search = request.url.slice(request.url.indexOf('?') + 1)
        const { user, returnTo } = await configured(signIn).complete({ url, cookie }, originOf(request))
        const { 'set-cookie': session } = await sessions.begin(user, request)
        return redirect(returnTo, [session])
      }),
    ],
  }
}

const redirect = (location: string, cookies: string[]): Reply => ({
  status: 303,
  headers: { location, 'cache-control': 'no-store', 'set-cookie': cookies },
})

function configured(signIn: SignInThroughProvider | undefined): SignInThroughProvider {
  if (signIn) return signIn
  throw new CarillonError('HTTP_ROUTE_NOT_FOUND', 'This gateway knows no provider: people sign in by password', {
    field: 'CARILLON_OIDC_ISSUER',
  })
}
