import { type Clock, type Logger, LoopService, pause, type Timer } from '@carillon/runtime'
import type { Due, DueQuery } from '@carillon/store'
import type { Timers, WakeKind } from '../ports.ts'

/** Where what is due is read. */
export interface WakeSource {
  due(query: DueQuery): Promise<readonly Due[]>
}
export interface WakeHandlers {
  readonly jobs: (ids: readonly string[]) => Promise<void>
  readonly runs: (ids: readonly string[]) => Promise<void>
  readonly tasks: (ids: readonly string[]) => Promise<void>
  readonly gates: (ids: readonly string[]) => Promise<void>
  readonly signals: (ids: readonly string[]) => Promise<void>
}

const KINDS: readonly WakeKind[] = ['jobs', 'runs', 'tasks', 'gates', 'signals']
/** How far the loop reads ahead: what is due sooner is fired from memory, on the millisecond. */
const AHEAD_MS = 3_000
const SCAN_MS = 1_000
/** Slots lie together on whole seconds: all of one are read ahead, and handled at once. */
const PAGES: Readonly<Record<WakeKind, number>> = { jobs: 10_000, runs: 2_000, tasks: 2_000, gates: 2_000, signals: 500 }
/** Due records of one batch: bounds a write after a long downtime. Slots are split into writes by their use case. */
const BATCHES: Readonly<Record<WakeKind, number>> = { jobs: 10_000, runs: 500, tasks: 500, gates: 500, signals: 100 }

/**
 * The only timer. Reads what is due in the next seconds from the store, keeps it in memory, and calls the handlers when its time has come.
 * What is created in between is armed directly. A handler may be called twice, late, or for a record that has changed since.
 */
export class Waker extends LoopService implements Timers {
  readonly #sources: Readonly<Record<WakeKind, WakeSource>>
  readonly #clock: Clock
  readonly #log: Logger
  readonly #shares: () => readonly number[]
  readonly #handlers: WakeHandlers
  readonly #leadMs: number
  /** By instant: what is to be woken then. One timer an instant. */
  readonly #armed = new Map<number, { keys: Map<string, WakeKind>; timer: Timer }>()
  #firing: Promise<void> = Promise.resolve()
  #stopped = true

  constructor(options: {
    sources: Readonly<Record<WakeKind, WakeSource>>
    clock: Clock
    log: Logger
    shares: () => readonly number[]
    handlers: WakeHandlers
    /** Jobs are woken so long before their time, to be ready when it has come. */
    jobsLeadMs?: number
  }) {
    super()
    this.#sources = options.sources
    this.#clock = options.clock
    this.#log = options.log
    this.#shares = options.shares
    this.#handlers = options.handlers
    this.#leadMs = options.jobsLeadMs ?? 0
  }

  /** Wakes at `wakeAt` if that is soon; what is farther is found by the scan. */
  arm(kind: WakeKind, due: { id: string; wakeAt: number }): void {
    if (this.#stopped || due.wakeAt > this.#clock.now() + AHEAD_MS) return
    const instant = kind === 'jobs' ? due.wakeAt - this.#leadMs : due.wakeAt
    const there = this.#armed.get(instant)
    if (there) {
      there.keys.set(due.id, kind)
      return
    }
    const timer = this.#clock.after(Math.max(0, instant - this.#clock.now()), () => this.#fire(instant))
    this.#armed.set(instant, { keys: new Map([[due.id, kind]]), timer })
  }

  protected async run(signal: AbortSignal): Promise<void> {
    this.#stopped = false
    while (!signal.aborted) {
      const againMs = await this.#scan().catch((error: unknown) => {
        this.#log.error({ evt: 'waker.scan-failed', err: error }, 'cannot read what is due; trying again')
        return SCAN_MS
      })
      await this.#firing
      await pause(this.#clock, againMs, signal)
    }
    this.#stopped = true
    for (const { timer } of this.#armed.values()) timer.cancel()
    this.#armed.clear()
    await this.#firing
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'waker.died', err: error }, 'the waker died')
  }

  /** Wakes what is overdue, arms what is near; answers when to scan again. */
  async #scan(): Promise<number> {
    const query = { until: this.#clock.now() + AHEAD_MS, shares: this.#shares() }
    const pages = await Promise.all(KINDS.map((kind) => this.#sources[kind].due({ ...query, limit: PAGES[kind] })))
    const waits = await Promise.all(KINDS.map((kind, i) => this.#takePage(kind, pages[i] ?? [])))
    return Math.min(...waits)
  }

  /** A full page may hide more that is due before the next scan. */
  async #takePage(kind: WakeKind, due: readonly Due[]): Promise<number> {
    const now = this.#clock.now()
    for (const item of due) if (item.wakeAt > now) this.arm(kind, item)
    const overdue = due.filter(({ wakeAt }) => wakeAt <= now).map(({ id }) => id)
    const handled = await this.#wake(kind, overdue)
    const regular = toMiddleOfSecond(this.#clock.now())
    const last = due.length === PAGES[kind] && handled ? (due.at(-1)?.wakeAt ?? now) - now : regular
    return Math.min(Math.max(last, 1), regular)
  }

  #fire(instant: number): void {
    const entry = this.#armed.get(instant)
    if (!entry) return
    // Timers may be a millisecond early, and the machine's clock may be set back; nothing fires before its time.
    const early = instant - this.#clock.now()
    if (early > 0) {
      entry.timer = this.#clock.after(early, () => this.#fire(instant))
      return
    }
    this.#armed.delete(instant)
    const work = KINDS.map((kind) =>
      this.#wake(
        kind,
        [...entry.keys].filter(([, of]) => of === kind).map(([id]) => id),
      ),
    )
    this.#firing = Promise.all([this.#firing, ...work]).then(() => undefined)
  }

  /** Answers whether all handlers succeeded. */
  async #wake(kind: WakeKind, ids: readonly string[]): Promise<boolean> {
    let failed = 0
    for (let i = 0; i < ids.length; i += BATCHES[kind]) {
      await this.#handlers[kind](ids.slice(i, i + BATCHES[kind])).catch((error: unknown) => {
        failed++
        this.#log.error({ evt: 'waker.failed', kind, err: error }, 'what is due could not be handled; it is tried again')
      })
    }
    return failed === 0
  }
}

/** Slots of cron expressions lie on whole seconds: a scan keeps as far from them as it can. */
function toMiddleOfSecond(now: number): number {
  const restMs = (SCAN_MS * 1.5 - (now % SCAN_MS)) % SCAN_MS
  return restMs > 0 ? restMs : SCAN_MS
}
