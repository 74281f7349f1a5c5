import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { useStreamState } from '../stream/stream-context.tsx'
import styles from './stream-dot.module.css'

/** Whether what is shown is what is: never old data without saying so. */
export function StreamDot(): ReactNode {
  const { shell } = useMessages()
  const state = useStreamState()
  return (
    <span className={styles['dot']} data-state={state} role="status" title={shell.streamHint[state]}>
      <span>{shell.stream[state]}</span>
    </span>
  )
}
