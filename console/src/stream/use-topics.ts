import { useEffect, useEffectEvent } from 'react'
import type { StreamMessage } from './rules.ts'
import { useStream } from './stream-context.tsx'

export interface TopicHandlers {
  readonly onMessage?: (message: StreamMessage) => void
  /** Read the snapshot of the topic again. */
  readonly onResync?: (topic: string) => void
}

/** Follows topics of the namespace while the component is shown. */
export function useTopics(topics: readonly string[], { onMessage, onResync }: TopicHandlers): void {
  const hub = useStream()
  const message = useEffectEvent((given: StreamMessage) => onMessage?.(given))
  const resync = useEffectEvent((topic: string) => onResync?.(topic))
  const names = topics.join(',')
  useEffect(() => {
    if (hub === undefined || names === '') return undefined
    return hub.subscribe(names.split(','), { message: (given) => message(given), resync: (topic) => resync(topic) })
  }, [hub, names])
}
