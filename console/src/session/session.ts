import { ROLES, type Role } from '@carillon/contracts'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { asProblem } from '../api/problem.ts'
import { request } from '../api/request.ts'
import { useNamespace } from '../url/use-namespace.ts'

/** Who is signed in, and what they may do where. */
export interface Session {
  readonly user: { readonly id: string; readonly name: string; readonly kind: string }
  readonly namespaces: Readonly<Record<string, { readonly role: Role; readonly payloads: boolean; readonly approves?: readonly string[] }>>
  /** Where traces are shown, with `{traceId}` in it. */
  readonly traceUrl?: string
}

/** How one may sign in. */
export interface SignInWays {
  readonly password: boolean
  readonly oidc?: { readonly name: string }
  readonly isSetUp: boolean
}

export const SESSION_KEY = ['session'] as const

/** `null`: nobody is signed in. */
export const sessionQuery = queryOptions<Session | null>({
  queryKey: SESSION_KEY,
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async ({ signal }) => {
    try {
      return await request<Session>('/api/v1/session', { signal })
    } catch (error) {
      if (asProblem(error).status === 401) return null
      throw error
    }
  },
})

export const waysQuery = queryOptions<SignInWays>({
  queryKey: ['session', 'ways'],
  queryFn: ({ signal }) => request<SignInWays>('/api/v1/session/ways', { signal }),
})

/** Where one signs in through the provider, and comes back to the page that was to be shown. */
export function providerPath({ pathname, search, hash }: Pick<Location, 'pathname' | 'search' | 'hash'>): string {
  return `/api/v1/session/oidc?return=${encodeURIComponent(pathname + search + hash)}`
}

export function hasRole(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** Stands for every namespace. */
const EVERYWHERE = '*'

/** Of a member of every namespace, those that have runs are listed beside `*`: what holds there holds in a new one, too. */
export function rightsIn(session: Session | null | undefined, namespace: string): Session['namespaces'][string] | undefined {
  return session?.namespaces[namespace] ?? session?.namespaces[EVERYWHERE]
}

/** The namespaces that the reader can choose, in their order. */
export function namesOf(session: Session | null | undefined): string[] {
  return Object.keys(session?.namespaces ?? {})
    .filter((name) => name !== EVERYWHERE)
    .sort()
}

/** Whether the reader has a role, or a higher one, in the namespace of the page. */
export function useMay(needed: Role): boolean {
  const namespace = useNamespace()
  const { data } = useQuery(sessionQuery)
  return hasRole(rightsIn(data, namespace)?.role, needed)
}

/** Where a trace is shown; undefined: nowhere. */
export function useTraceUrl(traceId: string | undefined): string | undefined {
  const { data } = useQuery(sessionQuery)
  return traceId === undefined ? undefined : data?.traceUrl?.replaceAll('{traceId}', encodeURIComponent(traceId))
}

/** Whether the reader may decide about an approval of these roles; none: any role. */
export function useDecides(approvers: readonly string[]): boolean {
  const namespace = useNamespace()
  const { data } = useQuery(sessionQuery)
  const { role, approves = [] } = rightsIn(data, namespace) ?? {}
  return approvers.length === 0 || approvers.some((one) => approves.includes(one) || ROLES.some((of) => of === one && hasRole(role, of)))
}

/** Whether payloads, results, errors and log lines of the namespace are shown to the reader. */
export function useSeesPayloads(): boolean {
  const namespace = useNamespace()
  const { data } = useQuery(sessionQuery)
  return rightsIn(data, namespace)?.payloads === true
}
