/** A timer that can be called off; calling it off twice, or late, does nothing. */
export interface Timer {
  cancel(): void
}

/** Time and timers. Everything in the SDK takes them from here, in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Milliseconds from an arbitrary start; it only grows, also when the machine's clock is set. For durations; means nothing in another process. */
  monotonic(): number
  /** Run `action` once. Delays beyond the 24.8 days of `setTimeout` work. */
  after(delayMs: number, action: () => void): Timer
  /** Run `action` again and again. */
  every(periodMs: number, action: () => void): Timer
  /** Run `action` after what arrived in this turn of the event loop has been handled. */
  nextTurn(action: () => void): void
}

const LONGEST_MS = 2_147_483_647
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

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
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
    // All of a turn run without a pause between them, so that what they send leaves in one write.
    turn.push(action)
    if (passes === 0) scheduleEnd()
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

/** Waits for the end of this turn of the event loop. */
export const turnOf = (clock: Clock) => new Promise<void>((resolve) => clock.nextTurn(resolve))

/** A promise of its own each time: a shared one would keep everything alive that ever waited for it. */
export const forever = () => new Promise<never>(() => undefined)

/** Writes times as RFC 3339 in UTC; keeps the text of the last one, because many tasks share a millisecond. */
export function createIsoWriter(): (ms: number) => string {
  let lastMs = -1
  let text = ''
  return (ms) => {
    if (ms !== lastMs) {
      lastMs = ms
      text = new Date(ms).toISOString()
    }
    return text
  }
}
