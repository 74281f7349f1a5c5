import type { RunView } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { JsonView } from '../../parts/json-view.tsx'
import { EmptyState } from '../../parts/states.tsx'
import styles from './run-page.module.css'

export interface ValueTabProps {
  readonly value: unknown
  readonly name: string
  readonly empty: string
  readonly run: RunView
}

export function ValueTab({ value, name, empty, run }: ValueTabProps): ReactNode {
  const { parts } = useMessages()
  if ((run as { hidden?: boolean }).hidden === true) return <EmptyState title={parts.hidden} />
  if (value === undefined) return <EmptyState title={empty} />
  return (
    <div className={styles['content']}>
      <JsonView value={value} name={name} />
    </div>
  )
}
