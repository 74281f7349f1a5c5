import { type Clock, type Logger, LoopService, WakeablePause } from '@carillon/runtime'
import type { UnconfirmedWork } from '../ports.ts'
import { BEGIN, EXECUTORS_RECONNECT_MS, type Position, type RepairQueue } from './repair-queue.ts'

const ROUND_MS = 1_000
/** How long a task is queued before it is compared without a reason: most have been taken by then. */
const QUEUED_FOR_MS = 60_000
/** And before it is counted while no report waits. */
const COUNTED_FROM_MS = 10_000
/** One page each time: 10,000 tasks a minute, whatever the backlog is. */
const PAGE_EVERY_MS = 3_000
const COUNT_EVERY_MS = 3_000
/** A slow count is made less often: it may take this share of the time. */
const COUNT_SHARE = 1 / 200
/** The interval of a rough count, which is made while reports wait; and of counts after a pass that found nothing. */
const ROUGH_COUNT_EVERY_MS = 60_000
/** How long health reports what was published again. */
const REMEMBER_MS = 60_000
/** The share of each second that a pass may take. */
const PASS_FOR_MS = 500
/** How far the clocks of coordinators may be apart. */
const CLOCKS_DIFFER_MS = 10_000

/** One comparison of everything that is queued with what the broker has. */
interface Pass {
  readonly why: string
  /** Whether messages are known to be lost, so that health reports it until the pass is over; or there are fewer than were counted. */
  readonly isLoss: boolean
  readonly isCount: boolean
  readonly before: number
  /** On the monotonic clock. */
  readonly notBefore: number
  at: Position | undefined
  published: number
}

/**
 * Ensures that queued tasks have their message. What the broker refused is published again each second. Everything is compared once when
 * there is a reason: a start, a broker that was started again, a stream that lost something, or that holds fewer messages than tasks wait.
 * Without a reason the backlog is compared page by page, at a rate that does not depend on its size.
 */
export class Auditor extends LoopService {
  readonly #repair: RepairQueue
  readonly #work: UnconfirmedWork
  readonly #clock: Clock
  readonly #log: Logger
  readonly #shares: () => readonly number[]
  readonly #pause: WakeablePause
  #pass: Pass | undefined
  /** The position of the slow comparison. */
  #at: Position = BEGIN
  #nextPage: number
  #nextCount: number
  #nextRoughCount: number
  #repaired: { readonly text: string; readonly at: number } | undefined
  /** Messages that the count lacks and a pass did not find missing: such as offers to one instance, which are queued without a message. */
  #explained = 0
  #lacking = 0

  constructor(options: { repair: RepairQueue; work: UnconfirmedWork; clock: Clock; log: Logger; shares: () => readonly number[] }) {
    super()
    this.#repair = options.repair
    this.#work = options.work
    this.#clock = options.clock
    this.#log = options.log
    this.#shares = options.shares
    this.#pause = new WakeablePause(options.clock)
    this.#nextPage = options.clock.monotonic() + PAGE_EVERY_MS
    this.#nextCount = options.clock.monotonic() + COUNT_EVERY_MS
    this.#nextRoughCount = options.clock.monotonic() + ROUGH_COUNT_EVERY_MS
  }

  /** Compares everything that is queued by now, from its beginning, at once. */
  passSoon(reason: { why: string; isLoss: boolean; isCount?: boolean }): void {
    const { isLoss, isCount = false } = reason
    const notBefore = this.#clock.monotonic() + (isLoss || isCount ? EXECUTORS_RECONNECT_MS : 0)
    this.#pass = { ...reason, isCount, before: this.#clock.now() + CLOCKS_DIFFER_MS, notBefore, at: BEGIN, published: 0 }
    this.#pause.end()
  }

  /** Which part of the queue is known to be lost and is being published again, as text. */
  get loss(): string | undefined {
    if (!this.#pass?.isLoss) return undefined
    return `${this.#pass.why}; ${this.#pass.published} tasks were published again so far`
  }

  /** What was published again recently, as text. */
  get recentRepair(): string | undefined {
    const ago = this.#clock.monotonic() - (this.#repaired?.at ?? Number.NEGATIVE_INFINITY)
    return ago < REMEMBER_MS ? `${this.#repaired?.text} ${Math.round(ago / 1_000)} s ago` : undefined
  }

  protected async run(signal: AbortSignal): Promise<void> {
    while (await this.#pause.wait(ROUND_MS, signal)) {
      await this.#round(signal).catch((error: unknown) =>
        this.#log.warn({ evt: 'auditor.failed', err: error }, 'the queue could not be checked; trying again'),
      )
    }
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'auditor.died', err: error }, 'the auditor died')
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { unconfirmedIds } = this.#work
    const { postponed } = this.#repair
    if (unconfirmedIds.size + postponed.size > 0) await this.#repair.byId([...new Set([...unconfirmedIds, ...postponed])], signal)
    if (this.#pass) await this.#goOn(this.#pass, signal)
    else if (this.#clock.monotonic() >= this.#nextPage) await this.#comparePage(signal)
    if (!this.#pass && this.#clock.monotonic() >= this.#nextCount) await this.#count()
  }

  async #goOn(pass: Pass, signal: AbortSignal): Promise<void> {
    if (this.#clock.monotonic() < pass.notBefore) return
    const until = this.#clock.monotonic() + PASS_FOR_MS
    while (pass.at && !signal.aborted && this.#clock.monotonic() < until) {
      const { published, next } = await this.#repair.page(pass.at, this.#span(pass.before), signal)
      pass.published += published
      if (!signal.aborted) pass.at = next
    }
    if (pass.at || this.#pass !== pass) return
    this.#pass = undefined
    this.#explained = Math.max(this.#lacking - pass.published, 0)
    const { why, published } = pass
    if (published > 0) this.#repaired = { text: `${published} tasks were published again (${why})`, at: this.#clock.monotonic() }
    else if (pass.isCount) this.#nextCount = this.#clock.monotonic() + ROUGH_COUNT_EVERY_MS
    if (pass.isLoss || published > 0) this.#log.info({ evt: 'queue.compared', why, published }, 'the broker has all that is queued')
  }

  async #comparePage(signal: AbortSignal): Promise<void> {
    this.#nextPage = this.#clock.monotonic() + PAGE_EVERY_MS
    const { next } = await this.#repair.page(this.#at, this.#span(this.#clock.now() - QUEUED_FOR_MS), signal)
    this.#at = next ?? BEGIN
  }

  /** Every coordinator counts what all of them have queued, and each compares its own shares when messages are missing. */
  async #count(): Promise<void> {
    const begun = this.#clock.monotonic()
    this.#nextCount = begun + COUNT_EVERY_MS
    const isRough = begun >= this.#nextRoughCount
    const lacking = await this.#repair.lacking(this.#clock.now() - (isRough ? QUEUED_FOR_MS : COUNTED_FROM_MS), isRough)
    if (lacking === undefined) return
    const now = this.#clock.monotonic()
    this.#nextRoughCount = now + ROUGH_COUNT_EVERY_MS
    this.#nextCount = Math.max(this.#nextCount, now + (now - begun) / COUNT_SHARE)
    this.#lacking = lacking
    if (lacking > this.#explained)
      this.passSoon({ why: `stream WORK had ${lacking} messages fewer than tasks wait`, isLoss: false, isCount: true })
    else this.#explained = lacking
  }

  #span(before: number) {
    return { from: 0, before, shares: new Set(this.#shares()) }
  }
}
