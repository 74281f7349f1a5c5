import type { CallName } from '@carillon/contracts'
import { writeExactly } from '../forms/exact-json.ts'
import type { CallPlace } from './call.ts'
import { type Answer, callRequest } from './call-request.ts'
import { request } from './request.ts'

/**
 * A call whose input may hold numbers that a double would change: they travel as they were typed, and the mesh says which it does not keep.
 * @throws ApiProblem
 */
export function makeExactCall<Name extends CallName>(
  name: Name,
  input: Readonly<Record<string, unknown>>,
  { namespace, signal, headers = {} }: CallPlace & { readonly headers?: Readonly<Record<string, string>> },
): Promise<Answer<Name>> {
  const { path, request: how } = callRequest(name, namespace, input)
  return request<Answer<Name>>(path, { ...how, headers, signal, ...(how.body === undefined ? {} : { bodyText: writeExactly(how.body) }) })
}
