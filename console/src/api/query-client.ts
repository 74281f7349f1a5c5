import { QueryClient } from '@tanstack/react-query'
import { asProblem } from './problem.ts'

/** Answers follow the stream; what it does not tell is at most this old when a page is opened again. */
const STALE_MS = 5_000

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: STALE_MS,
        networkMode: 'always',
        // They would fight the stream, which says what has changed.
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retry: (failures, error) => failures < 3 && asProblem(error).body.retry === true,
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 5_000),
      },
      mutations: { networkMode: 'always' },
    },
  })
}
