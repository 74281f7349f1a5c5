import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { SESSION_KEY } from '../session/session.ts'
import { systemClock } from '../time/clock.ts'
import { chance, freshId } from '../time/randomness.ts'
import type { StreamState } from './rules.ts'
import { StreamHub } from './stream-hub.ts'

const StreamContext = createContext<StreamHub | undefined>(undefined)

/** Opens the stream of a namespace for the pages below. */
export function StreamProvider({ namespace, children }: { readonly namespace: string; readonly children: ReactNode }): ReactNode {
  const [hub, setHub] = useState<StreamHub>()
  const queries = useQueryClient()
  useEffect(() => {
    let opened: StreamHub | undefined
    const onSignedOut = () => {
      queries.invalidateQueries({ queryKey: SESSION_KEY }).catch(() => undefined)
    }
    const open = () => {
      opened = new StreamHub({ namespace, tab: freshId(), clock: systemClock, chance, onSignedOut })
      opened.start()
      setHub(opened)
    }
    const stop = () => {
      opened?.stop()
      opened = undefined
    }
    const listening = new AbortController()
    const on = (target: EventTarget, event: string, run: () => void) => target.addEventListener(event, run, listening)
    const wake = () => document.visibilityState === 'visible' && opened?.wake()
    on(window, 'online', wake)
    on(document, 'visibilitychange', wake)
    on(document, 'resume', () => opened?.refresh())
    on(window, 'pagehide', stop)
    // Back from the cache of the browser's history, as it was when it was left.
    on(window, 'pageshow', () => opened === undefined && open())
    open()
    return () => {
      listening.abort()
      stop()
    }
  }, [namespace, queries])
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
