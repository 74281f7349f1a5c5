import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { systemClock } from '../time/clock.ts'
import { chance, freshId } from '../time/randomness.ts'
import type { StreamState } from './rules.ts'
import { StreamHub } from './stream-hub.ts'

const StreamContext = createContext<StreamHub | undefined>(undefined)

/** Opens the stream of a namespace for the pages below. */
export function StreamProvider({ namespace, children }: { readonly namespace: string; readonly children: ReactNode }): ReactNode {
  const [hub, setHub] = useState<StreamHub>()
  useEffect(() => {
    const opened = new StreamHub({ namespace, tab: freshId(), clock: systemClock, chance })
    opened.start()
    setHub(opened)
    const wake = () => document.visibilityState === 'visible' && opened.wake()
    const stop = () => opened.stop()
    window.addEventListener('online', wake)
    document.addEventListener('visibilitychange', wake)
    window.addEventListener('pagehide', stop)
    return () => {
      window.removeEventListener('online', wake)
      document.removeEventListener('visibilitychange', wake)
      window.removeEventListener('pagehide', stop)
      opened.stop()
    }
  }, [namespace])
  return <StreamContext value={hub}>{children}</StreamContext>
}

/** Undefined for a moment, while the page opens. */
export function useStream(): StreamHub | undefined {
  return useContext(StreamContext)
}

const nothing = () => () => undefined

export function useStreamState(): StreamState {
  const hub = useStream()
  return useSyncExternalStore(hub === undefined ? nothing : (listener) => hub.onState(listener), () => hub?.state ?? 'connecting')
}
