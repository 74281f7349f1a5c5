import type { RunView } from '@carillon/contracts'
import { useQueryClient } from '@tanstack/react-query'
import { callQuery } from '../../api/use-call.ts'
import { useRefresh } from '../../stream/use-live-call.ts'
import { useTopics } from '../../stream/use-topics.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import { patchRun, type RunChange } from './run-states.ts'

/** Keeps what is shown of a run in step with the stream: state and progress at once, all else a quarter of a second later. */
export function useFollowRun(runId: string): void {
  const namespace = useNamespace()
  const queries = useQueryClient()
  const refreshes = [
    useRefresh('runsGet'),
    useRefresh('runsWhy'),
    useRefresh('runsTree'),
    useRefresh('runsTasks'),
    useRefresh('runsSignals'),
  ]
  const refreshAll = () => {
    for (const refresh of refreshes) refresh()
  }
  useTopics([`run:${runId}`], {
    onMessage: ({ what, body }) => {
      queries.setQueryData<RunView>(callQuery(namespace, 'runsGet', { runId }).queryKey, (shown) =>
        shown === undefined ? undefined : patchRun(shown, body as unknown as RunChange),
      )
      // Progress of a single run changes nothing else.
      if (what !== 'progress') refreshAll()
      else refreshes[2]?.()
    },
    onResync: refreshAll,
  })
}
