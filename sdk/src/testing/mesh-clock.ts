import { type LoopClock, pause, systemClock, type Timer } from '@carillon/wire/internal'
import { currentAttempt, type RunningAttempt } from '../executor/exit-watch.ts'
import { turnOf } from '../turn.ts'

interface Armed {
  readonly at: number
  readonly action: () => void
  /** The attempt whose handler waits for it. */
  readonly waiter: RunningAttempt | undefined
}

/** Idle turns of the event loop after which everything that has happened is processed. */
const QUIET_TURNS = 3
/** The interval of clients that poll for an end: time must not advance step by step for that. */
const NEVER: Timer = { cancel: () => undefined }

/** The time of a test mesh: it advances only by a call, and timers fire at their own instant. */
export class MeshClock {
  #now: number
  #happened = 0
  readonly #timers = new Set<Armed>()

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  /** Let time pass: each timer fires at its own instant, and what follows from it is done before the next one. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await this.settle()
    for (let first = this.#first(); first !== undefined && first.at <= until; first = this.#first()) {
      this.#now = Math.max(this.#now, first.at)
      this.#timers.delete(first)
      first.action()
      await this.settle()
    }
    this.#now = Math.max(this.#now, until)
  }

  /** Wait on this clock, in a handler or in code that it calls. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await pause(this.processClock(), ms, signal)
  }

  /** How long it is until the next timer; undefined: there is none. */
  get untilNextMs(): number | undefined {
    const first = this.#first()
    return first && Math.max(0, first.at - this.#now)
  }

  /** Whether its handler only waits for time to pass. */
  isAwaitedBy(attempt: RunningAttempt): boolean {
    for (const { waiter } of this.#timers) if (waiter === attempt) return true
    return false
  }

  /** Something happened that may cause more. */
  touch(): void {
    this.#happened++
  }

  /** Lets what needs no time come to its end. */
  async settle(): Promise<void> {
    for (let quiet = 0, before = this.#happened; quiet < QUIET_TURNS; quiet++) {
      await turnOf(systemClock)
      if (before !== this.#happened) quiet = -1
      before = this.#happened
    }
  }

  /** The clock of one process, which stops when that process has crashed. */
  processClock(): ProcessClock {
    const own = new Set<Armed>()
    let isFrozen = false
    return {
      now: () => this.#now,
      monotonic: () => this.#now,
      after: (delayMs, action) => {
        if (isFrozen) return NEVER
        const timer = this.#arm(delayMs, action)
        own.add(timer)
        return { cancel: () => void (own.delete(timer) && this.#timers.delete(timer)) }
      },
      nextTurn: (action) => systemClock.nextTurn(() => isFrozen || action()),
      freeze: () => {
        isFrozen = true
        for (const timer of own) this.#timers.delete(timer)
      },
    }
  }

  /** The clock of a client, whose calls are answered at once: none of its time limits is ever reached. */
  clientClock(): LoopClock {
    return { now: () => this.#now, monotonic: () => this.#now, after: () => NEVER, nextTurn: systemClock.nextTurn }
  }

  #arm(delayMs: number, action: () => void): Armed {
    this.touch()
    const timer = { at: this.#now + Math.max(0, delayMs), action, waiter: currentAttempt() }
    this.#timers.add(timer)
    return timer
  }

  #first(): Armed | undefined {
    let first: Armed | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first
  }
}

export interface ProcessClock extends LoopClock {
  freeze(): void
}
