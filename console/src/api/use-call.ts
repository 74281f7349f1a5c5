import type { CallName } from '@carillon/contracts'
import {
  type QueryKey,
  queryOptions,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { useNamespace } from '../url/use-namespace.ts'
import { makeCall } from './call.ts'
import type { Answer, Input } from './call-request.ts'

/** The keys of all answers of a call: what is to be read again is named by it. */
export const keyOf = (namespace: string, name: CallName, ...input: readonly unknown[]): QueryKey => [namespace, name, ...input]

export function callQuery<Name extends CallName>(namespace: string, name: Name, input: Input<Name>) {
  return queryOptions<Answer<Name>>({
    queryKey: keyOf(namespace, name, input),
    queryFn: ({ signal }) => makeCall(name, input, { namespace, signal }),
  })
}

/** The answer of a reading call in the namespace of the page. */
export function useCall<Name extends CallName>(
  name: Name,
  input: Input<Name>,
  options: { readonly enabled?: boolean } = {},
): UseQueryResult<Answer<Name>> {
  return useQuery({ ...callQuery(useNamespace(), name, input), ...options })
}

/**
 * A call that changes something: `mutate(input)`.
 * @param stale the calls whose answers it changes, read again when it has succeeded
 */
export function useAction<Name extends CallName>(
  name: Name,
  stale: readonly CallName[] = [],
): UseMutationResult<Answer<Name>, Error, Input<Name>> {
  const namespace = useNamespace()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (input: Input<Name>) => makeCall(name, input, { namespace }),
    onSuccess: async () => {
      await Promise.all(stale.map((call) => queries.invalidateQueries({ queryKey: keyOf(namespace, call) })))
    },
  })
}
