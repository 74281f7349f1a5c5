import type { Clock, Timer } from '../clock.ts'

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  #now = 1_000_000
  readonly #timers = new Set<{ at: number; action: () => void; periodMs?: number }>()
  readonly #turns: (() => void)[] = []

  now(): number {
    return this.#now
  }

  /** The machine's clock cannot be set here: both are one. */
  monotonic(): number {
    return this.#now
  }

  after(delayMs: number, action: () => void): Timer {
    return this.#add({ at: this.#now + delayMs, action })
  }

  every(periodMs: number, action: () => void): Timer {
    return this.#add({ at: this.#now + periodMs, action, periodMs })
  }

  nextTurn(action: () => void): void {
    this.#turns.push(action)
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size
  }

  /** Do what was put off to the next turn. */
  turn(): void {
    for (const action of this.#turns.splice(0)) action()
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#now = due.at
      if (due.periodMs === undefined) this.#timers.delete(due)
      else due.at += due.periodMs
      due.action()
    }
    this.#now = until
  }

  #add(timer: { at: number; action: () => void; periodMs?: number }): Timer {
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }
}
