import type { ReactNode } from 'react'
import { useCall } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { JsonView } from '../../parts/json-view.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../parts/states.tsx'
import { RelativeTime } from '../../time/time.tsx'
import styles from './run-page.module.css'

export function SignalsTab({ runId }: { readonly runId: string }): ReactNode {
  const { run } = useMessages()
  const signals = useCall('runsSignals', { runId })
  if (signals.isPending) return <LoadingState />
  if (signals.error !== null) return <ErrorState error={signals.error} onRetry={() => signals.refetch()} />
  if (signals.data.items.length === 0) return <EmptyState title={run.noSignals} />
  return (
    <ul className={styles['content']}>
      {signals.data.items.map(({ signalId, name, state, payload, by, at }) => (
        <li key={signalId}>
          <p>
            <strong>{name}</strong> {state} <span className="muted">{by}</span> <RelativeTime at={at} />
          </p>
          <JsonView value={payload} name={name} />
        </li>
      ))}
    </ul>
  )
}
