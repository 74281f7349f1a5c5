import { TIMES } from '@carillon/contracts'
import type { Clock, Timer } from '@carillon/wire/internal'
import { Fifo } from '../fifo.ts'
import type { Attempt } from './attempt.ts'
import type { HeldTask, HeldTasks } from './held-task.ts'
import { progressText, startedText } from './report-text.ts'
import type { Reporter } from './reporter.ts'

/** At most five progress reports a second of one task travel; the newest wins. */
const PROGRESS_EVERY_MS = 200
/** Shortest pause between two checks of running tasks: one timer serves every task. */
const CHECK_EVERY_MS = 20

interface Progress {
  sentAt: number
  pending: string | undefined
}

/** Reports about tasks that run: `started` once a task has run for 200 ms (a shorter one reports start and end as one), and progress. */
export class RunningReports {
  readonly #clock: Clock
  readonly #reporter: Reporter
  readonly #session: string
  readonly #held: Pick<HeldTasks, 'mark'>
  /** In the order they began, so that the first is due first. */
  readonly #unannounced = new Fifo<Attempt>()
  readonly #progress = new Map<Attempt, Progress>()
  #timer: Timer | undefined

  constructor({ clock, reporter, session, held }: { clock: Clock; reporter: Reporter; session: string; held: Pick<HeldTasks, 'mark'> }) {
    this.#held = held
    this.#clock = clock
    this.#reporter = reporter
    this.#session = session
  }

  /** Before it begins. From then on it has to be released by a report, because the coordinators regard it as begun. */
  announce(task: HeldTask, stored: () => void): void {
    task.isClaimed = true
    this.#held.mark(task, 'reported')
    this.#reporter.report(startedText(task.work, this.#session, 0), stored)
  }

  began(attempt: Attempt): void {
    if (attempt.task.work.alone) return
    this.#unannounced.push(attempt)
    this.#arm(TIMES.startedFoldMs)
  }

  progressed(attempt: Attempt, percent: number, note: string | undefined): void {
    const now = this.#clock.monotonic()
    const text = progressText(attempt.task.work, this.#session, { percent, note })
    const known = this.#progress.get(attempt)
    if (known === undefined || now - known.sentAt >= PROGRESS_EVERY_MS) {
      this.#progress.set(attempt, { sentAt: now, pending: undefined })
      this.#reporter.report(text)
    } else {
      known.pending = text
      this.#arm(PROGRESS_EVERY_MS)
    }
  }

  /** The last progress goes before the end. */
  ended(attempt: Attempt): void {
    const pending = this.#progress.get(attempt)?.pending
    if (pending !== undefined) this.#reporter.report(pending)
    this.#progress.delete(attempt)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #arm(delayMs: number): void {
    this.#timer ??= this.#clock.after(delayMs, () => this.#check())
  }

  #check(): void {
    this.#timer = undefined
    const now = this.#clock.monotonic()
    const isDue = (attempt: Attempt) => attempt.isOver || now - attempt.startedAt >= TIMES.startedFoldMs
    for (let first = this.#unannounced.peek(); first && isDue(first); first = this.#unannounced.peek()) {
      this.#unannounced.shift()
      if (first.isOver) continue
      this.#held.mark(first.task, 'reported')
      this.#reporter.report(startedText(first.task.work, this.#session, now - first.startedAt))
    }
    let hasPending = false
    for (const progress of this.#progress.values()) {
      if (progress.pending === undefined) continue
      if (now - progress.sentAt < PROGRESS_EVERY_MS) {
        hasPending = true
        continue
      }
      this.#reporter.report(progress.pending)
      progress.pending = undefined
      progress.sentAt = now
    }
    const next = this.#unannounced.peek()
    if (next) this.#arm(Math.max(CHECK_EVERY_MS, next.startedAt + TIMES.startedFoldMs - now))
    else if (hasPending) this.#arm(CHECK_EVERY_MS)
  }
}
