import type { RunView } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { formatDuration } from '../../../time/format.ts'
import { useNow } from '../../../time/ticker.ts'
import { AbsoluteTime } from '../../../time/time.tsx'
import { isOpenState } from '../run-states.ts'
import { timelineOf } from './timeline.ts'
import styles from './timeline-tab.module.css'

/** The parts of a run's life as a bar, and its steps with their times. */
export function TimelineTab({ run }: { readonly run: RunView }): ReactNode {
  const { run: texts, parts } = useMessages()
  const now = useNow()
  const { steps, phases } = timelineOf(run, isOpenState(run.state) ? now : Date.parse(run.endedAt ?? run.createdAt))
  const nameOf = (kind: (typeof steps)[number]['kind']) =>
    kind === 'ended' ? parts.states[run.state] : kind === 'attempt' ? texts.steps.attempt(run.attempt) : texts.steps[kind]
  return (
    <div className={styles['timeline']}>
      <div
        className={styles['bar']}
        role="img"
        aria-label={`${texts.chart}: ${phases.map(({ kind, ms }) => `${texts.phases[kind]} ${formatDuration(ms)}`).join(', ')}`}
      >
        {phases.map(({ kind, share }) => (
          <span key={kind} data-kind={kind} data-state={run.state} style={{ flexGrow: Math.max(share, 0.01) }} />
        ))}
      </div>
      <ul className={styles['legend']}>
        {phases.map(({ kind, ms }) => (
          <li key={kind} data-kind={kind} data-state={run.state}>
            {texts.phases[kind]} <strong>{formatDuration(ms)}</strong>
          </li>
        ))}
      </ul>
      <ol className={styles['steps']}>
        {steps.map(({ kind, at }, i) => {
          const before = steps[i - 1]
          return (
            <li key={kind}>
              <strong>{nameOf(kind)}</strong>
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
