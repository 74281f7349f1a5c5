import type { NodeState, RunStage } from '@carillon/contracts'
import { NODE_STATES } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { TONE_OF } from '../../../parts/state-badge.tsx'
import styles from './tree-tab.module.css'

/** How many tasks of a stage are in each state, as a bar and in words. */
export function StageBar({ stage }: { readonly stage: RunStage }): ReactNode {
  const { run, parts } = useMessages()
  const counts = NODE_STATES.flatMap((state: NodeState) => {
    const count = stage.counts[state] ?? 0
    return count === 0 ? [] : [{ state, count }]
  })
  return (
    <div className={styles['stage']}>
      <div className={styles['stage-head']}>
        <strong>{stage.name}</strong>
        <span className="muted">{run.stageTotal(stage.total)}</span>
      </div>
      <div className={styles['bar']} aria-hidden="true">
        {counts.map(({ state, count }) => (
          <span key={state} data-tone={TONE_OF[state]} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul className={styles['counts']}>
        {counts.map(({ state, count }) => (
          <li key={state} data-tone={TONE_OF[state]}>
            {parts.counted(count)} {parts.states[state]}
          </li>
        ))}
      </ul>
    </div>
  )
}
