import type { CallName } from '@carillon/contracts'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useRefresh } from '../stream/use-live-call.ts'
import { useTopics } from '../stream/use-topics.ts'
import { useNamespace } from '../url/use-namespace.ts'
import { makeCall } from './call.ts'
import type { Answer, Input } from './call-request.ts'
import { keyOf } from './use-call.ts'

/** Calls that answer a page of a list. */
export type ListCall = {
  [Name in CallName]: Answer<Name> extends { readonly items: readonly unknown[]; readonly next?: string } ? Name : never
}[CallName]
type Item<Name extends ListCall> = Answer<Name>['items'][number]

export interface PagesOptions {
  readonly topics?: readonly string[]
  /** Reads until there is no next page, or so many items are there: a filter of the browser must see them. */
  readonly atLeast?: number
  readonly enabled?: boolean
}

export interface Pages<Name extends ListCall> {
  readonly items: readonly Item<Name>[] | undefined
  /** The answer that was read last. */
  readonly last: Answer<Name> | undefined
  readonly error: Error | null
  readonly hasMore: boolean
  readonly isMore: boolean
  readonly loadMore: () => void
  readonly reload: () => void
}

/** A list, page after page, that follows topics of the stream. */
export function usePages<Name extends ListCall>(
  name: Name,
  input: Input<Name>,
  { topics = [], atLeast = 0, enabled = true }: PagesOptions = {},
): Pages<Name> {
  const namespace = useNamespace()
  const refresh = useRefresh(name)
  useTopics(topics, { onMessage: refresh, onResync: refresh })
  const query = useInfiniteQuery({
    queryKey: keyOf(namespace, name, 'pages', input),
    enabled,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      makeCall(name, { ...(input as object), cursor: pageParam } as Input<Name>, { namespace, signal }) as Promise<
        Answer<Name> & { readonly items: readonly Item<Name>[]; readonly next?: string }
      >,
    getNextPageParam: ({ next }) => next,
  })
  const items = query.data?.pages.flatMap((page) => page.items)
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query
  const loadMore = () => {
    fetchNextPage().catch(() => undefined)
  }
  const count = items?.length ?? 0
  const wantsMore = hasNextPage && !isFetchingNextPage && count < atLeast
  useEffect(() => {
    if (wantsMore) fetchNextPage().catch(() => undefined)
  }, [wantsMore, fetchNextPage])
  return {
    items,
    last: query.data?.pages.at(-1),
    error: query.error,
    hasMore: hasNextPage,
    isMore: isFetchingNextPage,
    loadMore,
    reload: refresh,
  }
}
