/** A timer that can be called off; calling it off twice, or late, does nothing. */
export interface Timer {
  cancel(): void
}

/** Time and timers. Everything in the SDK takes them from here, in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Run `action` once. Delays beyond the 24.8 days of `setTimeout` work. */
  after(delayMs: number, action: () => void): Timer
  /** Run `action` again and again. */
  every(periodMs: number, action: () => void): Timer
  /** Run `action` after what arrived in this turn of the event loop has been handled. */
  nextTurn(action: () => void): void
}

const LONGEST_MS = 2_147_483_647

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, action) {
    let handle: NodeJS.Timeout
    const arm = (restMs: number) => {
      handle = setTimeout(() => (restMs > LONGEST_MS ? arm(restMs - LONGEST_MS) : action()), Math.min(restMs, LONGEST_MS))
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
  every(periodMs, action) {
    const handle = setInterval(action, periodMs)
    return { cancel: () => clearInterval(handle) }
  },
  nextTurn(action) {
    setImmediate(action)
  },
}

/** Wait; an abort ends the wait early, without an error. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      timer.cancel()
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = clock.after(delayMs, finish)
    signal?.addEventListener('abort', finish, { once: true })
  })
}

let isoText = ''
let isoMs = -1
/** A time as RFC 3339 in UTC; the text of the newest millisecond is kept, because many tasks share it. */
export function isoTime(ms: number): string {
  if (ms !== isoMs) {
    isoMs = ms
    isoText = new Date(ms).toISOString()
  }
  return isoText
}
