import type { CallName } from '@carillon/contracts'
import { type Answer, callRequest, type Input } from './call-request.ts'
import { request } from './request.ts'

export interface CallPlace {
  readonly namespace: string
  readonly signal?: AbortSignal | undefined
}

/** @throws ApiProblem */
export function makeCall<Name extends CallName>(name: Name, input: Input<Name>, { namespace, signal }: CallPlace): Promise<Answer<Name>> {
  const { path, request: how } = callRequest(name, namespace, input as Record<string, unknown>)
  return request<Answer<Name>>(path, { ...how, signal })
}
