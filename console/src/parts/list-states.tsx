import type { ReactNode } from 'react'
import { EmptyState, ErrorState, LoadingState } from './states.tsx'

export interface ListStatesProps {
  /** Undefined: not read yet. */
  readonly items: readonly unknown[] | undefined
  readonly error: Error | null
  readonly onRetry: () => void
  /** What is said of a list without items. */
  readonly empty: string
}

/** What stands in the place of a list that is not there: it is read, it could not be read, or it is empty. */
export function ListStates({ items, error, onRetry, empty }: ListStatesProps): ReactNode {
  if (items === undefined) return error === null ? <LoadingState /> : <ErrorState error={error} onRetry={onRetry} />
  return items.length === 0 ? <EmptyState title={empty} /> : null
}
