import { uptime } from 'node:os'

/** Time as a port: nothing else in the services reads the machine's clock or sets its timers. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Milliseconds from an arbitrary start; it only grows, also when the machine's clock is set. For durations; means nothing in another process. */
  monotonic(): number
  /** Calls back once after `delayMs`; answers how to call it off. */
  after(delayMs: number, callback: () => void): () => void
}

/** Longer ones are made of several: Node fires a timer beyond 2^31 ms (25 days) after 1 ms. */
const LONGEST_TIMER_MS = 60_000

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    let timer: NodeJS.Timeout
    const arm = (restMs: number) => {
      const stepMs = Math.min(Math.max(restMs, 0), LONGEST_TIMER_MS)
      timer = setTimeout(() => (restMs > stepMs ? arm(restMs - stepMs) : callback()), stepMs)
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
}

/** How long the machine runs, the time that it was asleep included, which the monotonic clock leaves out. In milliseconds, to the next 10. */
export const uptimeMs = (): number => uptime() * 1_000

/** Waits `delayMs`, or until `signal` aborts; answers false when it was aborted. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const end = (elapsed: boolean) => {
      cancel()
      signal.removeEventListener('abort', abort)
      resolve(elapsed)
    }
    const abort = () => end(false)
    const cancel = clock.after(delayMs, () => end(true))
    signal.addEventListener('abort', abort)
  })
}
