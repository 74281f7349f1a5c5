/** The clock and the timers of the console: everything else is given a time, or this. */
export interface Clock {
  /** Ms since 1970, of this machine. */
  now(): number
  /** @returns what cancels it */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
