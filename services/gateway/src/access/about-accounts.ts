import { ROLES } from '@carillon/contracts'
import * as z from 'zod'
import type { RouteAbout } from '../http/http-controller.ts'
import {
  beginOidcSchema,
  changePasswordSchema,
  membershipSchema,
  newTokenSchema,
  pageSchema,
  rightsSchema,
  signInSchema,
  useLinkSchema,
} from './rules/account-input.ts'

const role = z.enum(ROLES)
const rights = { role, payloads: z.boolean() }
const link = z.object({ url: z.string(), expiresAt: z.string() })
const approves = z.array(z.string())
const member = z.object({
  ...{ id: z.string(), name: z.string(), ...rights, approves, signsInBy: z.enum(['password', 'provider']) },
  ...{ everywhere: z.literal(true).optional(), byProvider: z.literal(true).optional() },
})
const token = z.object({
  ...{ id: z.string(), name: z.string(), ...rights, createdBy: z.object({ id: z.string(), name: z.string() }) },
  ...{ createdAt: z.string(), expiresAt: z.string().optional(), usedAt: z.string().optional() },
})
const session = z.object({
  user: z.object({ id: z.string(), name: z.string(), kind: z.enum(['user', 'token']) }),
  namespaces: z.record(z.string(), z.object({ ...rights, approves })),
  traceUrl: z.string().optional(),
})
const ways = z.object({ password: z.boolean(), oidc: z.object({ name: z.string() }).optional(), isSetUp: z.boolean() })
const namespaces = z.object({ items: z.array(z.object({ name: z.string(), ...rights, approves })) })

/** Whatever else a provider adds. */
const callbackSchema = z.object({ code: z.string().optional(), state: z.string().optional(), error: z.string().optional() })

type Row = Omit<RouteAbout, 'tag'>

/** The routes of the access room in the OpenAPI document, by method and path. */
const ROWS: Readonly<Record<string, Row>> = {
  'GET /members': { id: 'membersList', summary: 'The members of a namespace', answer: z.object({ items: z.array(member) }) },
  'POST /members': {
    ...{ id: 'membersInvite', summary: 'Invite someone: a link that is used once', body: rightsSchema },
    ...{ answer: link, status: 201 },
  },
  'GET /members/{id}': { id: 'membersGet', summary: 'One member', answer: member },
  'PUT /members/{id}': { id: 'membersPut', summary: 'Change what a member may do', body: membershipSchema, answer: member },
  'DELETE /members/{id}': { id: 'membersRemove', summary: 'Remove a member', status: 204 },
  'POST /members/{id}/reset': { id: 'membersReset', summary: 'A link by which a member sets a new password', answer: link, status: 201 },
  'GET /tokens': {
    ...{ id: 'tokensList', summary: 'The tokens of a namespace, without their secrets', query: pageSchema },
    answer: z.object({ items: z.array(token), next: z.string().optional() }),
  },
  'POST /tokens': {
    ...{ id: 'tokensCreate', summary: 'Make a token, which is shown this once', body: newTokenSchema },
    ...{ answer: token.extend({ token: z.string() }), status: 201 },
  },
  'DELETE /tokens/{id}': { id: 'tokensRemove', summary: 'Revoke a token', status: 204 },
  'GET /session': { id: 'sessionGet', summary: 'Who is signed in, and what they may do', answer: session },
  'POST /session': { id: 'sessionBegin', summary: 'Sign in with name and password', body: signInSchema, status: 204 },
  'DELETE /session': { id: 'sessionEnd', summary: 'Sign out', status: 204 },
  'POST /session/link': { id: 'sessionLink', summary: 'Use a link: set a name and a password', body: useLinkSchema, status: 204 },
  'POST /session/password': { id: 'sessionPassword', summary: 'Change one’s password', body: changePasswordSchema, status: 204 },
  'GET /session/oidc': {
    ...{ id: 'sessionOidc', summary: 'Sign in through the provider: leads a browser there', query: beginOidcSchema, status: 303 },
  },
  'GET /session/oidc/callback': {
    ...{ id: 'sessionOidcCallback', summary: 'Where the provider leads a browser back to', query: callbackSchema, status: 303 },
  },
  'GET /session/ways': { id: 'sessionWays', summary: 'How one can sign in', answer: ways },
  'GET /namespaces': { id: 'namespacesList', summary: 'The namespaces that one may see', answer: namespaces },
}

/** @param line method and path */
export function aboutAccounts(line: string): { readonly about?: RouteAbout } {
  const row = ROWS[line]
  return row ? { about: { ...row, tag: 'accounts' } } : {}
}
