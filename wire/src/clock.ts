import { uptime } from 'node:os'

/** A timer that can be cancelled; cancelling it twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void
}

/** Time as a port, in milliseconds: nothing else in SDK and services reads the machine's clock or sets its timers. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Milliseconds from an arbitrary start; it only grows, also when the machine's clock is set. For durations; means nothing in another process. */
  monotonic(): number
  /** Runs `action` once after `delayMs`, however long that is. */
  after(delayMs: number, action: () => void): Timer
}

/** A clock that also knows the turns of the event loop. */
export interface LoopClock extends Clock {
  /** Runs `action` after what arrived in this turn of the event loop has been handled. */
  nextTurn(action: () => void): void
}

/** Longer ones are made of several: Node fires a timer beyond 2^31 ms (25 days) after 1 ms. */
const LONGEST_TIMER_MS = 60_000
const turn: (() => void)[] = []
let passes = 0

/** A turn ends in two passes: what the actions of the first one ask for, and what their promises do, belongs to the same turn. */
function scheduleEnd(): void {
  passes = 2
  setImmediate(endTurn)
  setImmediate(endTurn)
}

function endTurn(): void {
  passes--
  for (const due of turn.splice(0)) due()
  if (passes === 0 && turn.length > 0) scheduleEnd()
}

export const systemClock: LoopClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, action) {
    let handle: NodeJS.Timeout
    const arm = (restMs: number) => {
      const stepMs = Math.min(Math.max(restMs, 0), LONGEST_TIMER_MS)
      handle = setTimeout(() => (restMs > stepMs ? arm(restMs - stepMs) : action()), stepMs)
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
  nextTurn(action) {
    // All of a turn run without a pause between them, so that what they send leaves in one write.
    turn.push(action)
    if (passes === 0) scheduleEnd()
  },
}

/** Runs `action` each `periodMs`, the first time after one period. */
export function every(clock: Clock, periodMs: number, action: () => void): Timer {
  const again = () => {
    timer = clock.after(periodMs, again)
    action()
  }
  let timer = clock.after(periodMs, again)
  return { cancel: () => timer.cancel() }
}

/** Waits `delayMs`, or until `signal` aborts; answers false when it was aborted. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const end = (elapsed: boolean) => {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
      resolve(elapsed)
    }
    const abort = () => end(false)
    const timer = clock.after(delayMs, () => end(true))
    signal?.addEventListener('abort', abort)
  })
}

/** Waits for `wait`, but no longer than `limitMs`. @throws what `wait` rejects with */
export async function within(clock: Clock, limitMs: number, wait: Promise<unknown>): Promise<void> {
  const waiting = new AbortController()
  try {
    await Promise.race([wait, pause(clock, limitMs, waiting.signal)])
  } finally {
    waiting.abort()
  }
}

/** How long the machine runs, the time that it was asleep included, which the monotonic clock leaves out. In milliseconds, to the next 10. */
export const uptimeMs = (): number => uptime() * 1_000
