import type { RunTree, RunView } from '@carillon/contracts'
import { lazy, type ReactNode, Suspense } from 'react'
import { useCall } from '../../../api/use-call.ts'
import { useMessages } from '../../../language/language-context.tsx'
import { ErrorState, LoadingState } from '../../../parts/states.tsx'
import { formatDuration } from '../../../time/format.ts'
import { NodesTable } from './nodes-table.tsx'
import { StageBar } from './stage-bar.tsx'
import { TasksTable } from './tasks-table.tsx'
import styles from './tree-tab.module.css'

/** The drawing is loaded where there is something to be drawn. */
const RunGraph = lazy(async () => ({ default: (await import('../../../workflow/run-graph.tsx')).RunGraph }))

/** A fan-out run from above: its stages with their counts, then what one would open first. */
export function TreeTab({ run }: { readonly run: RunView }): ReactNode {
  const tree = useCall('runsTree', { runId: run.runId }, { enabled: run.mode !== 'single' })
  if (tree.isPending) return <LoadingState />
  if (tree.error !== null) return <ErrorState error={tree.error} onRetry={() => tree.refetch()} />
  return <OpenTree tree={tree.data} run={run} />
}

function OpenTree({ tree, run }: { readonly tree: RunTree; readonly run: RunView }): ReactNode {
  const { run: texts } = useMessages()
  return (
    <div className={styles['tree']}>
      <section className={styles['stages']} aria-label={texts.stages}>
        <p className={styles['whole']}>
          <strong>{Math.floor(tree.percent)} %</strong>
          {tree.leftMs !== undefined && <span className="muted"> {texts.left(formatDuration(tree.leftMs))}</span>}
        </p>
        {tree.stages.map((stage, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two stages may have one name, and their order is fixed.
          <StageBar key={i} stage={stage} />
        ))}
      </section>
      {tree.nodes !== undefined && (
        <>
          <Suspense fallback={<LoadingState />}>
            <RunGraph nodes={tree.nodes} />
          </Suspense>
          <NodesTable nodes={tree.nodes} />
        </>
      )}
      {run.mode !== 'workflow' && <TasksTable run={run} />}
    </div>
  )
}
