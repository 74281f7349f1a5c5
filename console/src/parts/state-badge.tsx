import type { NodeState } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import styles from './state-badge.module.css'

export type Tone = 'good' | 'bad' | 'busy' | 'warn' | 'calm'

export const TONE_OF: Readonly<Record<NodeState, Tone>> = {
  waiting: 'calm',
  delayed: 'warn',
  queued: 'calm',
  running: 'busy',
  paused: 'warn',
  cancelling: 'warn',
  succeeded: 'good',
  failed: 'bad',
  timed_out: 'bad',
  cancelled: 'calm',
  skipped: 'calm',
  expired: 'bad',
  not_needed: 'calm',
  blocked: 'bad',
  compensated: 'calm',
}

/** A sign beside the colour, for those who cannot tell colours apart. */
const SIGNS: Readonly<Record<NodeState, string>> = {
  waiting: 'M3 8h10',
  delayed: 'M8 4v4l2.5 2M8 2a6 6 0 1 0 .01 0',
  queued: 'M4 5h8M4 8h8M4 11h8',
  running: 'M6 4l6 4-6 4z',
  paused: 'M6 4v8M10 4v8',
  cancelling: 'M4 4l8 8M12 4l-8 8',
  succeeded: 'M3.5 8.5l3 3 6-7',
  failed: 'M4 4l8 8M12 4l-8 8',
  timed_out: 'M8 4v4l2.5 2M8 2a6 6 0 1 0 .01 0',
  cancelled: 'M8 2a6 6 0 1 0 .01 0M4 12l8-8',
  skipped: 'M4 4l5 4-5 4M12 4v8',
  expired: 'M8 4v4l2.5 2M8 2a6 6 0 1 0 .01 0',
  not_needed: 'M3 8h10',
  blocked: 'M8 2a6 6 0 1 0 .01 0M4 12l8-8',
  compensated: 'M6 4L3 7l3 3M3 7h6a3.5 3.5 0 0 1 0 7H7',
}

/** The state of a run, a task or a node. */
export function StateBadge({ state }: { readonly state: NodeState }): ReactNode {
  const { parts } = useMessages()
  const tone = TONE_OF[state]
  return (
    <span className={`${styles['badge']} ${styles[tone]}`}>
      <StateSign state={state} />
      {parts.states[state]}
    </span>
  )
}

export function StateSign({ state }: { readonly state: NodeState }): ReactNode {
  return (
    <svg viewBox="0 0 16 16" className={styles['sign']} data-moves={state === 'running'} aria-hidden="true">
      <path d={SIGNS[state]} />
    </svg>
  )
}

/** Any short mark in the same form. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }): ReactNode {
  return <span className={`${styles['badge']} ${styles[tone]}`}>{children}</span>
}
