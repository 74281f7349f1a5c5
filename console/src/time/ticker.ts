import { useSyncExternalStore } from 'react'
import { systemClock } from './clock.ts'

const TICK_MS = 1_000
const listeners = new Set<() => void>()
let now = systemClock.now()
let isTicking = false

function tick(): void {
  now = systemClock.now()
  for (const listener of [...listeners]) listener()
  isTicking = listeners.size > 0
  if (isTicking) systemClock.after(TICK_MS, tick)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (!isTicking) {
    isTicking = true
    now = systemClock.now()
    systemClock.after(TICK_MS, tick)
  }
  return () => listeners.delete(listener)
}

/** The time, once a second, from one timer for the whole page: "3 minutes ago" does not stay so. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}
