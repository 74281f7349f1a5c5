import type { LoopClock } from '@carillon/wire/internal'
import { Fifo } from '../fifo.ts'
import type { Telemetry } from '../telemetry.ts'
import { Attempt, type AttemptObserver } from './attempt.ts'
import { demand, mostHeld, type Pace, PaceMeter, readAhead, UNKNOWN_PACE } from './demand.ts'
import type { OfferedHandler } from './handler.ts'
import type { HeldTask } from './held-task.ts'
import type { Isolation } from './isolation.ts'
import type { Ending, SleptEnding } from './report-text.ts'
import type { TaskCalls } from './task-calls.ts'

export interface LaneOptions {
  readonly handler: OfferedHandler
  readonly clock: LoopClock
  readonly telemetry: Telemetry
  readonly calls: TaskCalls
  readonly observer: AttemptObserver
  /** Slots of all handlers together that are taken. */
  readonly occupied: () => number
  /** Tasks that all handlers together may still begin. */
  readonly freeCapacity: () => number
  /** Slots of all handlers together that no task has or waits for. */
  readonly unreserved: () => number
  readonly isolation: Isolation
  /**
   * Whether the other executors of the process are idle, and every report so far is stored: releases must be stored before a suspect
   * may end the process. If not, it pumps when they are.
   */
  readonly isQuiet: () => boolean
  /** Report that a suspect begins, and call back when that is stored: otherwise its death could not be distinguished from that of a waiting task. */
  readonly announce: (task: HeldTask, stored: () => void) => void
  /** Whether a task that waits is still held: while a handler blocks, the liveness thread releases assigned ones. From now on it cannot release this one. */
  readonly keep: (task: HeldTask) => boolean
  /** Release what has not begun. */
  readonly release: (task: HeldTask) => void
  /** Every slot of the instance is held by a stuck handler. */
  readonly isHung: () => boolean
}

/** A queue with work delivers it as soon as it is requested: after a pause of this length it is empty. */
const PAUSE_OF_PULLS_MS = 10
/** What comes from the queue for a shorter time than this, such as the rest of a large call, is soon over. */
const BACKLOG_AFTER_MS = 50
/** Waiting work of slow tasks is released after this, for an instance that has room. */
const GIVE_BACK_AFTER_MS = 1_000

/** The tasks of one handler: those that wait for a slot and those that run. */
export class Lane {
  readonly handler: OfferedHandler
  readonly running = new Set<Attempt>()
  /** Ended by their time limit or a cancel, while their handlers still run: each holds its slot until its handler settles. */
  readonly stuck = new Set<Attempt>()
  /** Ended, report not confirmed. */
  unconfirmed = 0
  /** Received but not to be started yet, because their claim is under way. */
  asking = 0
  readonly #options: LaneOptions
  readonly #waiting = new Fifo<HeldTask>()
  /** Those that are to run alone. */
  readonly #alone = new Fifo<HeldTask>()
  /** The one of those that has ended, and whose report the broker has not confirmed. */
  #unstored: Attempt | undefined
  /** The one of those that begins when its announcement is stored. */
  #announced: HeldTask | undefined
  readonly #observer: AttemptObserver
  readonly #measured = new PaceMeter()
  /** When work was pulled last, and since when without a pause, on the monotonic clock. */
  #pulledAt = Number.NEGATIVE_INFINITY
  #pulledSince = Number.NEGATIVE_INFINITY
  /** Assigned tasks that wait or run. */
  #assigned = 0
  #isPumping = false
  #isPumpDue = false
  #isClosed = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.handler = options.handler
    const { observer } = options
    this.#observer = {
      onBegin: (attempt) => observer.onBegin(attempt),
      onProgress: (attempt, percent, note) => observer.onProgress(attempt, percent, note),
      onLog: (attempt, line) => observer.onLog(attempt, line),
      onEnd: (attempt, ending) => this.#ended(attempt, ending),
      onUnstuck: (attempt) => this.#unstuck(attempt),
    }
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Slots that are taken. */
  get occupied(): number {
    return this.running.size + this.stuck.size
  }

  /** Tasks that run, wait, or are being claimed. */
  get #held(): number {
    return this.occupied + this.#waiting.size + this.asking
  }

  /** Slots that its tasks have, or will have next. */
  get reserved(): number {
    return Math.min(this.handler.concurrency, this.#held)
  }

  /** Whether a directly offered task may wait here for the next slot. */
  get takesOffers(): boolean {
    return !this.#isBlocked && !this.#options.isolation.isClosed && this.#waiting.size < this.handler.concurrency
  }

  /** No slot is known to become free again. */
  get #isBlocked(): boolean {
    return this.stuck.size >= this.handler.concurrency || this.#options.isHung()
  }

  /** How many messages to request. */
  demand(requested: number): number {
    if (!this.#takesMore) return 0
    const { unconfirmed } = this
    const facts = { concurrency: this.#slots, running: this.occupied, waiting: this.#waiting.size + this.asking, requested, unconfirmed }
    return demand({ ...facts, pace: this.#pace })
  }

  /**
   * Tasks that it has, and how many it would have at most: so many may be assigned. Unlike work that is requested, an assigned task keeps its slot from another
   * handler while it waits; without a free one it is better in the work queue.
   */
  get load(): { held: number; readonly most: number } {
    const slots = Math.min(this.handler.concurrency, this.reserved + Math.max(0, this.#options.unreserved()))
    const takesMore = slots > 0 && this.#takesMore
    return { held: this.#held, most: takesMore ? mostHeld({ concurrency: slots, unconfirmed: this.unconfirmed, pace: this.#pace }) : 0 }
  }

  /**
   * Whether assigned tasks have taken slots that were requested from the work queue: what comes from there now would wait here, while another instance may have
   * a free slot.
   */
  get isOverdrawn(): boolean {
    return this.#assigned > 0 && this.#held >= this.#slots && readAhead(this.handler.concurrency, this.#pace) === 0
  }

  /** Work was pulled. */
  pulled(): void {
    const now = this.#options.clock.monotonic()
    if (now - this.#pulledAt > PAUSE_OF_PULLS_MS) this.#pulledSince = now
    this.#pulledAt = now
  }

  /** Whether the work queue does not become empty: new tasks must not be assigned past it. */
  get hasBacklog(): boolean {
    return this.#options.clock.monotonic() - this.#pulledAt < PAUSE_OF_PULLS_MS && this.#pulledAt - this.#pulledSince >= BACKLOG_AFTER_MS
  }

  /** Short tasks do not wait long behind each other, but behind those of other handlers, if these have all the slots: then nothing is held ahead. */
  get #pace(): Pace {
    return this.running.size > 0 || this.#options.freeCapacity() > 0 ? this.#measured : UNKNOWN_PACE
  }

  get #takesMore(): boolean {
    return !this.#isClosed && !this.#isBlocked && !this.#options.isolation.isClosed
  }

  /** Slots, fewer if other handlers have the capacity of the instance. */
  get #slots(): number {
    return Math.max(1, Math.min(this.handler.concurrency, this.occupied + this.#options.freeCapacity()))
  }

  /**
   * Run a task as soon as there is a slot, in a microtask: the messages of the same socket read are registered with the liveness thread before a
   * handler can block.
   * @param isNext before those that wait already
   */
  add(task: HeldTask, isNext = false): void {
    if (task.isAssigned) this.#assigned++
    if (task.work.alone) this.#addAlone(task)
    else if (isNext) this.#waiting.pushFront(task)
    else this.#waiting.push(task)
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    queueMicrotask(() => {
      this.#isPumpDue = false
      this.pump()
    })
  }

  /** One at a time: another one that is held while the first ends the process would seem to have died with it. */
  #addAlone(task: HeldTask): void {
    const { isolation, release } = this.#options
    if (isolation.isTaken || (isolation.isRequested && isolation.isClosed)) {
      this.#counted([task])
      release(task)
    } else {
      this.#alone.push(task)
      isolation.request()
    }
  }

  /** Begin what there is room for. */
  pump(): void {
    if (this.#isPumping || this.#isClosed) return
    this.#isPumping = true
    const { isolation, occupied, isQuiet } = this.#options
    if (this.#alone.size > 0 && !isolation.isTaken && occupied() === 0 && isQuiet()) {
      isolation.take(this)
      this.#announce(this.#alone.shift() as HeldTask)
    }
    while (this.#waiting.size > 0 && this.#hasRoom) {
      const task = this.#waiting.shift() as HeldTask
      if (this.#keeps(task)) this.#begin(task)
    }
    this.#isPumping = false
  }

  /** Checked before each begin: the handler of the task before may have closed the lane. */
  get #hasRoom(): boolean {
    return !this.#isClosed && this.occupied < this.handler.concurrency && this.#options.freeCapacity() > 0
  }

  /** Remove waiting tasks, to release or drop them. */
  take(isWanted: (task: HeldTask) => boolean): HeldTask[] {
    const { isolation } = this.#options
    const alone = this.#alone.removeWhere(isWanted)
    isolation.forget(alone.length)
    const announced = this.#announced
    if (announced && isWanted(announced)) {
      this.#announced = undefined
      isolation.end(this)
      alone.push(announced)
    }
    return [...this.#takeWaiting(isWanted), ...this.#counted(alone)]
  }

  #takeWaiting(isWanted: (task: HeldTask) => boolean): HeldTask[] {
    return this.#counted(this.#waiting.removeWhere(isWanted).filter((task) => this.#keeps(task)))
  }

  #keeps(task: HeldTask): boolean {
    if (!task.isAssigned || this.#options.keep(task)) return true
    this.#assigned--
    return false
  }

  /** Tasks that leave this lane. */
  #counted(tasks: HeldTask[]): HeldTask[] {
    for (const { isAssigned } of tasks) if (isAssigned) this.#assigned--
    return tasks
  }

  /** Waiting tasks that another instance may have sooner. */
  takeOverdue(): HeldTask[] {
    if (this.#isBlocked) return this.take(() => true)
    const { clock, isolation } = this.#options
    const overdue = this.#alone.size > 0 ? this.take(({ work, heldAt }) => work.alone === true && isolation.isOverdue(heldAt)) : []
    if (overdue.length > 0) isolation.rest()
    if (isolation.isClosed) return [...overdue, ...this.#takeWaiting(() => true)]
    const now = clock.monotonic()
    for (const attempt of this.running) {
      this.#measured.takes(now - attempt.startedAt)
      break
    }
    if (readAhead(this.handler.concurrency, this.#pace) > 0) return overdue
    const heldBefore = clock.monotonic() - GIVE_BACK_AFTER_MS
    return [...overdue, ...this.#takeWaiting((task) => task.isForAny && task.heldAt < heldBefore)]
  }

  /** The broker has the report of its end. */
  confirmed(attempt: Attempt): void {
    this.unconfirmed--
    if (this.#unstored !== attempt) return
    this.#unstored = undefined
    this.#leave(attempt)
  }

  /** Request and begin nothing more. */
  close(): void {
    this.#isClosed = true
  }

  /** The executor has ended: it must not keep other executors of the process from their work. */
  leave(): void {
    this.take(() => true)
    this.#options.isolation.end(this)
  }

  #announce(task: HeldTask): void {
    this.#announced = task
    this.#options.announce(task, () => {
      if (this.#announced !== task) return
      this.#announced = undefined
      this.#begin(task)
    })
  }

  #begin(task: HeldTask): void {
    const { clock, telemetry, handler, calls } = this.#options
    const trace = telemetry.task(task)
    const attempt = new Attempt({ task, handler, clock, calls, trace, observer: this.#observer })
    this.running.add(attempt)
    attempt.start()
  }

  #ended(attempt: Attempt, ending: Ending | SleptEnding | undefined): void {
    this.running.delete(attempt)
    if (attempt.task.isAssigned) this.#assigned--
    if (attempt.isStuck) this.stuck.add(attempt)
    if (attempt.task.work.alone && ending) this.#unstored = attempt
    this.#leave(attempt)
    const now = this.#options.clock.monotonic()
    this.#measured.ended(now - attempt.startedAt, now)
    this.#options.observer.onEnd(attempt, ending)
    this.pump()
  }

  #unstuck(attempt: Attempt): void {
    this.stuck.delete(attempt)
    this.#leave(attempt)
    this.#options.observer.onUnstuck(attempt)
    this.pump()
  }

  /** Its handler has settled, and its end is stored: a process that died before that would seem to have died of it. */
  #leave(attempt: Attempt): void {
    if (!attempt.task.work.alone || this.#unstored === attempt) return
    if (this.stuck.has(attempt)) this.#options.isolation.overrun(this)
    else this.#options.isolation.end(this)
  }
}
