import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, type ReactNode, Suspense } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Button } from '../../parts/button.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../parts/states.tsx'
import { useLiveCall } from '../../stream/use-live-call.ts'
import layout from '../layout.module.css'

const RunGraph = lazy(async () => ({ default: (await import('../../workflow/run-graph.tsx')).RunGraph }))

/** A run in the drawing of its workflow. */
export function FollowedRun({ runId }: { readonly runId: string }): ReactNode {
  const { workflow: texts } = useMessages()
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const { data, error } = useLiveCall('runsTree', { runId }, { topics: [`run:${runId}`] })
  const edit = () => {
    navigate({ to: '.', search: { ...search, run: undefined } as never }).catch(() => undefined)
  }
  return (
    <div className={layout['stack']}>
      <div className={layout['head']}>
        {data !== undefined && <StateBadge state={data.state} />}
        <PageLink page={`runs/${runId}`}>{texts.run(runId)}</PageLink>
        <span className={layout['push']}>
          <Button onClick={edit}>{texts.backToEditor}</Button>
        </span>
      </div>
      {error !== null && data === undefined && <ErrorState error={error} />}
      {data === undefined && error === null && <LoadingState />}
      {data !== undefined && data.nodes === undefined && <EmptyState title={texts.noWorkflow} />}
      {data?.nodes !== undefined && (
        <Suspense fallback={<LoadingState />}>
          <RunGraph nodes={data.nodes} />
        </Suspense>
      )}
    </div>
  )
}
