import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { useTopics } from '../../stream/use-topics.ts'
import { systemClock } from '../../time/clock.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import type { RunsSearch } from './runs-search.ts'
import { RunsSource } from './runs-source.ts'

/** The runs that a search finds. @returns also what reads the list from its beginning again */
export function useRuns(search: RunsSearch): { readonly source: RunsSource; readonly reload: () => void } {
  const namespace = useNamespace()
  const [reading, setReading] = useState(0)
  const text = JSON.stringify(search)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each reading is a list of its own.
  const source = useMemo(
    () => new RunsSource({ namespace, search: JSON.parse(text) as RunsSearch, now: systemClock.now() }),
    [namespace, text, reading],
  )
  const reload = () => setReading((before) => before + 1)
  useTopics(['runs'], { onMessage: (message) => source.take(message), onResync: () => source.resync().catch(() => undefined) })
  useEffect(() => {
    source.start()
    return () => source.stop()
  }, [source])
  useSyncExternalStore(
    (listener) => source.onChange(listener),
    () => source.snapshot,
  )
  return { source, reload }
}
