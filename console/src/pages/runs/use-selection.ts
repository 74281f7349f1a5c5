import { useState } from 'react'
import type { RunsSource } from './runs-source.ts'

/** Runs that are ticked: they stay so when rows change or are scrolled away. */
export interface Selection {
  readonly ids: ReadonlySet<string>
  toggle(id: string): void
  /** All rows in memory, or none. */
  toggleAll(): void
  clear(): void
}

export function useSelection(source: RunsSource): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  return {
    ids,
    toggle: (id) => {
      const next = new Set(ids)
      if (!next.delete(id)) next.add(id)
      setIds(next)
    },
    toggleAll: () => setIds(ids.size > 0 ? new Set() : new Set(source.pages.rows.map(({ runId }) => runId))),
    clear: () => setIds(new Set()),
  }
}
