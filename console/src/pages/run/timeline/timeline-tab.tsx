import type { RunView } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { PageLink } from '../../../parts/page-link.tsx'
import { StateBadge } from '../../../parts/state-badge.tsx'
import { type Column, Table } from '../../../parts/table.tsx'
import { formatDuration } from '../../../time/format.ts'
import { useNow } from '../../../time/ticker.ts'
import { AbsoluteTime, Duration } from '../../../time/time.tsx'
import { isOpenState } from '../run-states.ts'
import { type Attempt, type TimelinePhase, timelineOf } from './timeline.ts'
import styles from './timeline-tab.module.css'

/** The parts of a run's life as a bar, its attempts, and its steps with their times. */
export function TimelineTab({ run }: { readonly run: RunView }): ReactNode {
  const { run: texts, parts } = useMessages()
  const now = useNow()
  const { steps, phases, attempts } = timelineOf(run, isOpenState(run.state) ? now : Date.parse(run.endedAt ?? run.createdAt))
  const phaseText = ({ kind, ms }: TimelinePhase) => `${texts.phases[kind]} ${formatDuration(ms)}`
  const sums = (['waited', 'failed', 'earlier', 'ran'] as const).flatMap((kind) => {
    const own = phases.filter((phase) => phase.kind === kind)
    return own.length === 0 ? [] : [{ kind, ms: own.reduce((sum, { ms }) => sum + ms, 0) }]
  })
  return (
    <div className={styles['timeline']}>
      <div className={styles['bar']} role="img" aria-label={`${texts.chart}: ${phases.map(phaseText).join(', ')}`}>
        {phases.map((phase, i) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts follow one another in time.
            key={i}
            data-kind={phase.kind}
            data-state={run.state}
            title={phaseText(phase)}
            style={{ flexGrow: Math.max(phase.share, 0.01) }}
          />
        ))}
      </div>
      <ul className={styles['legend']}>
        {sums.map(({ kind, ms }) => (
          <li key={kind} data-kind={kind} data-state={run.state}>
            {texts.phases[kind]} <strong>{formatDuration(ms)}</strong>
          </li>
        ))}
      </ul>
      {attempts.length > 0 && <Attempts run={run} attempts={attempts} />}
      <ol className={styles['steps']}>
        {steps.map(({ kind, at }, i) => {
          const before = steps[i - 1]
          return (
            <li key={kind}>
              <strong>{kind === 'ended' ? parts.states[run.state] : texts.steps[kind]}</strong>
              <span className="muted">
                <AbsoluteTime at={at} />
                {before !== undefined && ` · +${formatDuration(Math.max(0, Date.parse(at) - Date.parse(before.at)))}`}
              </span>
            </li>
          )
        })}
      </ol>
    </div>
  )
}

/** An attempt a row: when, where, how long, and what ended it. */
function Attempts({ run, attempts }: { readonly run: RunView; readonly attempts: readonly Attempt[] }): ReactNode {
  const { run: texts } = useMessages()
  const columns: Column<Attempt>[] = [
    { key: 'attempt', title: texts.facts.attempt, cell: ({ attempt }) => attempt },
    { key: 'state', title: texts.state, cell: ({ failure }) => <StateBadge state={failure === undefined ? run.state : 'failed'} /> },
    { key: 'began', title: texts.began, cell: ({ startedAt }) => (startedAt === undefined ? '–' : <AbsoluteTime at={startedAt} />) },
    {
      ...{ key: 'took', title: texts.facts.took, isNumber: true },
      cell: ({ startedAt, endedAt }) => (startedAt === undefined ? '–' : <Duration from={startedAt} to={endedAt} />),
    },
    {
      ...{ key: 'instance', title: texts.facts.instance, isSecondary: true },
      cell: ({ instance }) =>
        instance !== undefined && (
          <PageLink page="executors" search={{ instance }}>
            {instance}
          </PageLink>
        ),
    },
    {
      ...{ key: 'why', title: texts.why, isSentence: true },
      cell: ({ failure }) => {
        const shown = failure ?? (isOpenState(run.state) ? undefined : run.failure)
        return shown === undefined ? '' : `${shown.name}: ${shown.message}`
      },
    },
  ]
  return <Table name={texts.attempts} columns={columns} rows={attempts} idOf={({ attempt }) => String(attempt)} />
}
