import type { CallName } from '@carillon/contracts'
import { type UseQueryResult, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import type { Answer, Input } from '../api/call-request.ts'
import { keyOf, useCall } from '../api/use-call.ts'
import { systemClock } from '../time/clock.ts'
import { useNamespace } from '../url/use-namespace.ts'
import { coalesce } from './coalesce.ts'
import type { StreamMessage } from './rules.ts'
import { useTopics } from './use-topics.ts'

const COALESCE_MS = 250

export interface LiveCallOptions {
  readonly topics: readonly string[]
  /** Which messages of the topics change the answer. Default: all. */
  readonly concerns?: (message: StreamMessage) => boolean
  readonly enabled?: boolean
  /** Changes that come this close together are one reading. Default 250 ms; of what is dear to compute more. */
  readonly withinMs?: number
}

/** The answer of a call, read again whenever one of the topics says that something has changed: nothing polls. */
export function useLiveCall<Name extends CallName>(
  name: Name,
  input: Input<Name>,
  { topics, concerns = () => true, enabled = true, withinMs = COALESCE_MS }: LiveCallOptions,
): UseQueryResult<Answer<Name>> {
  const refresh = useRefresh(name, withinMs)
  useTopics(enabled ? topics : [], { onMessage: (message) => concerns(message) && refresh(), onResync: refresh })
  return useCall(name, input, { enabled })
}

/** Reads all answers of a call again that are shown, at most once in so many ms. */
export function useRefresh(name: CallName, withinMs = COALESCE_MS): () => void {
  const namespace = useNamespace()
  const queries = useQueryClient()
  const { call, cancel } = useMemo(
    () =>
      coalesce(systemClock, withinMs, () => {
        queries.invalidateQueries({ queryKey: keyOf(namespace, name) }).catch(() => undefined)
      }),
    [namespace, name, queries, withinMs],
  )
  useEffect(() => cancel, [cancel])
  return call
}
