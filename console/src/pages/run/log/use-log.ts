import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { useTopics } from '../../../stream/use-topics.ts'
import { useNamespace } from '../../../url/use-namespace.ts'
import { LogSource } from './log-source.ts'
import type { LineFilter } from './log-text.ts'

/** The log of a run: what there is, and what comes. */
export function useLog(runId: string, { level, text }: LineFilter): LogSource {
  const namespace = useNamespace()
  const source = useMemo(() => new LogSource({ namespace, runId, filter: { level, text } }), [namespace, runId, level, text])
  useTopics([`logs:${runId}`], { onMessage: (message) => source.take(message), onResync: () => source.resync() })
  useEffect(() => {
    source.start()
    return () => source.stop()
  }, [source])
  useSyncExternalStore(
    (listener) => source.onChange(listener),
    () => source.snapshot,
  )
  return source
}
