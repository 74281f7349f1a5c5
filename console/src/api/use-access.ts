import { type UseMutationResult, type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNamespace } from '../url/use-namespace.ts'
import { namespacePath } from './call-request.ts'
import { type ApiRequest, request } from './request.ts'

/** A route of accounts: they are no calls of the mesh. @param path below the namespace, with its query */
export function useAccess<Value>(path: string, options: { readonly enabled?: boolean } = {}): UseQueryResult<Value> {
  const namespace = useNamespace()
  return useQuery({
    queryKey: [namespace, 'access', path],
    queryFn: ({ signal }) => request<Value>(`${namespacePath(namespace)}${path}`, { signal }),
    ...options,
  })
}

export interface AccessChange {
  readonly method: NonNullable<ApiRequest['method']>
  /** Below the namespace. */
  readonly path: string
  readonly body?: unknown
}

/** A change of accounts; afterwards all of them are read again. */
export function useAccessChange<Value = unknown>(): UseMutationResult<Value, Error, AccessChange> {
  const namespace = useNamespace()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ method, path, body }: AccessChange) =>
      request<Value>(`${namespacePath(namespace)}${path}`, { method, ...(body === undefined ? {} : { body }) }),
    onSuccess: () => queries.invalidateQueries({ queryKey: [namespace, 'access'] }),
  })
}
