import type { Clock } from '../time/clock.ts'

/** Many calls within `ms` are one at its end. @returns the call, and what cancels one that is due */
export function coalesce(clock: Clock, ms: number, run: () => void): { call: () => void; cancel: () => void } {
  let pending: (() => void) | undefined
  return {
    call: () => {
      pending ??= clock.after(ms, () => {
        pending = undefined
        run()
      })
    },
    cancel: () => {
      pending?.()
      pending = undefined
    },
  }
}
