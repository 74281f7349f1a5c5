import type { CALLS, CallInput, CallName, CallOutput } from '@carillon/contracts'
import { HTTP_ROUTES } from '@carillon/contracts'
import type { ApiRequest } from './request.ts'

/** What a call is given, without the fields that are undefined. */
export type Input<Name extends CallName> = CallInput<(typeof CALLS)[Name]>
/** What a call answers. */
export type Answer<Name extends CallName> = CallOutput<(typeof CALLS)[Name]>

/** Where and how a call is made over HTTP. */
export function callRequest(
  name: CallName,
  namespace: string,
  input: Readonly<Record<string, unknown>>,
): { path: string; request: ApiRequest } {
  const { method, path: pattern } = HTTP_ROUTES[name]
  const rest = new Map(Object.entries(input).filter(([, value]) => value !== undefined))
  const below = pattern.replaceAll(/\{(\w+)\}/g, (_all, field: string) => {
    const value = String(rest.get(field))
    rest.delete(field)
    return encodeURIComponent(value)
  })
  const path = `${namespacePath(namespace)}${below}`
  if (method === 'POST' || method === 'PUT') return { path, request: { method, body: Object.fromEntries(rest) } }
  // Of several the field is repeated.
  const query = new URLSearchParams([...rest].flatMap(([field, value]) => [value].flat().map((one) => [field, String(one)])))
  return { path: query.size === 0 ? path : `${path}?${query}`, request: { method } }
}

export const namespacePath = (namespace: string): string => `/api/v1/namespaces/${encodeURIComponent(namespace)}`
