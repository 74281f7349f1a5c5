import type { RunView } from '@carillon/contracts'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useMemo } from 'react'
import { asProblem } from '../../api/problem.ts'
import { useCall } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Page } from '../../parts/page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../parts/states.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { RunActions } from './actions/run-actions.tsx'
import { ErrorTab } from './error-tab.tsx'
import { LogTab } from './log/log-tab.tsx'
import styles from './run-page.module.css'
import { runPlace } from './run-place.ts'
import type { RunTab } from './run-search.ts'
import { RunSummary } from './run-summary.tsx'
import { runTabs } from './run-tabs.ts'
import { SignalsTab } from './signals-tab.tsx'
import { TimelineTab } from './timeline/timeline-tab.tsx'
import { TreeTab } from './tree/tree-tab.tsx'
import { useFollowRun } from './use-follow-run.ts'
import { ValueTab } from './value-tab.tsx'

export function RunPage(): ReactNode {
  const { runId } = runPlace.useParams()
  const { run: texts } = useMessages()
  useFollowRun(runId)
  const run = useCall('runsGet', { runId })
  if (run.isPending) return <LoadingState />
  if (run.data === undefined) {
    const { status } = asProblem(run.error).body
    if (status === 404 || status === 410)
      return (
        <EmptyState title={texts.notFoundTitle}>
          <p>{texts.notFoundText}</p>
        </EmptyState>
      )
    return <ErrorState error={asProblem(run.error)} onRetry={() => run.refetch()} />
  }
  return <OpenRun run={run.data} />
}

function OpenRun({ run }: { readonly run: RunView }): ReactNode {
  const { run: texts } = useMessages()
  const { namespace } = runPlace.useParams()
  const { tab } = runPlace.useSearch()
  const tabs = useMemo(() => runTabs(run), [run])
  const active = tabs.find((one) => one === tab) ?? (tabs[0] as RunTab)
  return (
    <Page
      title={run.job ?? run.handler}
      path={
        <>
          <Link to="/n/$namespace/runs" params={{ namespace }}>
            {texts.runs}
          </Link>{' '}
          / <span className="mono">{run.runId}</span>
        </>
      }
      mark={<StateBadge state={run.state} />}
      actions={<RunActions run={run} />}
    >
      <RunSummary run={run} />
      <div className={styles['views']}>
        <Tabs name={texts.views} active={active} tabs={tabs.map((id) => ({ id, title: texts.tabs[id] }))} />
        <RunTabContent run={run} tab={active} />
      </div>
    </Page>
  )
}

function RunTabContent({ run, tab }: { readonly run: RunView; readonly tab: RunTab }): ReactNode {
  const { run: texts } = useMessages()
  if (tab === 'log') return <LogTab run={run} />
  if (tab === 'tree') return <TreeTab run={run} />
  if (tab === 'timeline') return <TimelineTab run={run} />
  if (tab === 'error') return <ErrorTab run={run} />
  if (tab === 'signals') return <SignalsTab runId={run.runId} />
  if (tab === 'payload') return <ValueTab value={run.payload} name={`${run.runId}-payload`} empty={texts.noPayload} run={run} />
  return <ValueTab value={run.result} name={`${run.runId}-result`} empty={texts.noResult} run={run} />
}
