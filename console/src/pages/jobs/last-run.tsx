import type { RunState } from '@carillon/contracts'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo } from 'react'
import { makeCall } from '../../api/call.ts'
import { keyOf } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { coalesce } from '../../stream/coalesce.ts'
import { useTopics } from '../../stream/use-topics.ts'
import { systemClock } from '../../time/clock.ts'
import { RelativeTime } from '../../time/time.tsx'
import { useNamespace } from '../../url/use-namespace.ts'

/** Changes that come this close together are one reading. */
const COALESCE_MS = 500

const summaryKey = (namespace: string, job: string) => keyOf(namespace, 'jobsGet', 'summary', job)

/** The newest run of a job, and how its runs fare: read for each row by itself. */
function useSummary(job: string) {
  const namespace = useNamespace()
  return useQuery({
    queryKey: summaryKey(namespace, job),
    queryFn: async ({ signal }) => {
      const [{ items }, { stats }] = await Promise.all([
        makeCall('runsList', { job, limit: 1 }, { namespace, signal }),
        makeCall('jobsGet', { name: job }, { namespace, signal }),
      ])
      return { run: items[0], stats }
    },
  })
}

/** Reads the rows of those jobs again whose runs have moved. */
export function useMovedJobs(): void {
  const namespace = useNamespace()
  const queries = useQueryClient()
  const { moved, call, cancel } = useMemo(() => {
    const names = new Set<string>()
    const refresh = () => {
      for (const job of names) queries.invalidateQueries({ queryKey: summaryKey(namespace, job) }).catch(() => undefined)
      names.clear()
    }
    return { moved: names, ...coalesce(systemClock, COALESCE_MS, refresh) }
  }, [namespace, queries])
  useEffect(() => cancel, [cancel])
  useTopics(['runs'], {
    onMessage: ({ body }) => {
      if (typeof body['job'] !== 'string') return
      moved.add(body['job'])
      call()
    },
    onResync: () => {
      queries.invalidateQueries({ queryKey: keyOf(namespace, 'jobsGet', 'summary') }).catch(() => undefined)
    },
  })
}

export function LastRunCell({ job }: { readonly job: string }): ReactNode {
  const { data } = useSummary(job)
  if (data?.run === undefined) return data === undefined ? '' : '–'
  const { runId, state, endedAt, startedAt, createdAt } = data.run
  return (
    <PageLink page={`runs/${runId}`}>
      <StateBadge state={state as RunState} /> <RelativeTime at={endedAt ?? startedAt ?? createdAt} />
    </PageLink>
  )
}

/** Failures since the last success. */
export function FailuresCell({ job }: { readonly job: string }): ReactNode {
  const { jobs: texts } = useMessages()
  const { data } = useSummary(job)
  const stats = data?.stats
  if (stats === undefined) return ''
  if (stats.failed + stats.succeeded === 0) return '–'
  return stats.failuresInRow > 0 ? texts.failuresInRow(stats.failuresInRow) : texts.failed(stats.failed, stats.failed + stats.succeeded)
}
