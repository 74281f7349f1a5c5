import type { RunView } from '@carillon/contracts'
import { Link } from '@tanstack/react-router'
import { memo, type ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { CELL, rowRole } from '../../parts/table-roles.ts'
import { Duration, RelativeTime } from '../../time/time.tsx'
import { isOpenState } from '../run/run-states.ts'
import styles from './runs-page.module.css'
import type { Selection } from './use-selection.ts'

export interface RunRowProps {
  /** Undefined: it is being read. */
  readonly run: RunView | undefined
  readonly index: number
  readonly top: number
  readonly selection: Selection
}

export const RunRow = memo(
  DrawnRow,
  (a, b) =>
    a.run === b.run &&
    a.top === b.top &&
    a.index === b.index &&
    a.run !== undefined &&
    a.selection.ids.has(a.run.runId) === b.selection.ids.has(a.run.runId) &&
    a.selection.ids === b.selection.ids,
)

function DrawnRow({ run, index, top, selection }: RunRowProps): ReactNode {
  const { runs } = useMessages()
  const place = { transform: `translateY(${top}px)` }
  // The header is the first row.
  const row = index + 2
  if (run === undefined) return <div {...rowRole(row)} className={styles['row']} style={place} data-loading />
  const isSelected = selection.ids.has(run.runId)
  const name = run.job ?? run.handler
  return (
    <div {...rowRole(row)} className={styles['row']} style={place} data-row={run.runId} data-selected={isSelected}>
      <span {...CELL}>
        <input
          type="checkbox"
          aria-label={runs.select(`${name} ${run.runId}`)}
          checked={isSelected}
          onChange={() => selection.toggle(run.runId)}
        />
      </span>
      <span {...CELL}>
        <StateBadge state={run.state} />
      </span>
      <span {...CELL} className={styles['name']}>
        <Link from="/n/$namespace/runs" to="/n/$namespace/runs/$runId" params={{ runId: run.runId }} search={{}}>
          {name}
        </Link>{' '}
        <span className={styles['id']}>{run.key ?? run.runId}</span>
      </span>
      <span {...CELL} data-secondary className="muted">
        {noteOf(run)}
      </span>
      <span {...CELL} className="muted">
        <RelativeTime at={run.createdAt} />
      </span>
      <span {...CELL} data-number>
        <Took run={run} />
      </span>
      <span {...CELL} data-secondary data-number>
        {run.attempt > 1 && `${run.attempt} / ${run.attempts}`}
      </span>
      <span {...CELL} data-secondary className="muted">
        {run.instance}
      </span>
    </div>
  )
}

function Took({ run: { state, firstStartedAt, startedAt, endedAt } }: { readonly run: RunView }): ReactNode {
  const from = firstStartedAt ?? startedAt
  if (from === undefined || (endedAt === undefined && !isOpenState(state))) return null
  if (endedAt === undefined && state !== 'running' && state !== 'cancelling') return null
  return <Duration from={from} to={endedAt} />
}

/** The error, or what it is doing, or why it is so. */
function noteOf({ failure, progress, reason, state }: RunView): string {
  if (failure !== undefined) return `${failure.name}: ${failure.message}`
  if (state === 'running' && progress !== undefined) return `${Math.round(progress.percent)} % ${progress.note ?? ''}`
  return reason === undefined || reason === 'completed' ? '' : reason
}
