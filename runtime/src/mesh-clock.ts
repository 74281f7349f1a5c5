import { type Clock, pause, type Timer } from '@carillon/wire/internal'
import { LoopService } from './lifecycle.ts'
import type { Logger } from './logger.ts'

/** A clock elsewhere in the mesh. */
export interface TimeSource {
  /** As in "the broker's clock". */
  readonly name: string
  /** Milliseconds since 1970; undefined when it has none of its own, or cannot be asked now. */
  read(): Promise<number | undefined>
}

/** The mesh's time has jumped by so much: a clock was set, or the machine was asleep. */
export interface Jump {
  readonly byMs: number
  readonly kind: 'set' | 'slept'
  /** On the monotonic clock. */
  readonly at: number
}

const ROUND_MS = 1_000
const ASK_EVERY_MS = 5_000
/** Clocks that are closer are regarded as equal: two answers of one clock may differ by as much on a busy machine. */
const TOLERATED_MS = 2_000
/** A clock that moves by less at once is steered, not set. */
const STEP_MS = 1_000
const JUMPS_KEPT = 20
/** How long `describe` mentions a past jump. */
const RECENT_MS = 600_000

/**
 * The time of the mesh, which coordinators use. It is this machine's wall clock as long as that agrees with the clocks of the broker and the
 * store; a wall clock that jumps is not followed until they confirm it. Until then, and where the wall clock is wrong, time goes on
 * from the last agreed moment by the monotonic clock.
 *
 * Of three clocks the median is right; of two the other one, because every coordinator reads that one.
 */
export class MeshClock extends LoopService implements Clock {
  readonly #local: Clock
  readonly #sources: readonly TimeSource[]
  readonly #log: Logger
  readonly #uptimeMs: () => number
  readonly #jumps: Jump[] = []
  readonly #listeners: ((jump: Jump) => void)[] = []
  /** The mesh's time is the monotonic clock plus this. */
  #offset: number
  /** Uptime counts the time that a machine is asleep, the monotonic clock does not. */
  #asleepMs: number
  #isBegun = false
  #askedAt = Number.NEGATIVE_INFINITY
  /** The last fault of this machine's clock, and when it was found. */
  #wrong: { readonly text: string; readonly since: number; until: number } | undefined
  #agreement = 'not compared yet'

  /** @param options.uptimeMs how long the machine runs, the time that it was asleep included */
  constructor(options: { local: Clock; sources: readonly TimeSource[]; log: Logger; uptimeMs: () => number }) {
    super()
    this.#local = options.local
    this.#sources = options.sources
    this.#log = options.log
    this.#uptimeMs = options.uptimeMs
    this.#offset = this.#local.now() - this.#local.monotonic()
    this.#asleepMs = this.#uptimeMs() - this.#local.monotonic()
  }

  now(): number {
    const wall = this.#local.now()
    const meshTime = this.#local.monotonic() + this.#offset
    const drift = wall - meshTime
    if (drift > STEP_MS || drift < -STEP_MS) return Math.round(meshTime)
    this.#offset += drift
    return wall
  }

  monotonic(): number {
    return this.#local.monotonic()
  }

  after(delayMs: number, action: () => void): Timer {
    return this.#local.after(delayMs, action)
  }

  /** Called after the mesh's time was moved. */
  onJump(listener: (jump: Jump) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * How long ago a stored time was, without what a clock was set by since. A time from before this process counts
   * by the difference of the clocks; a time in the future counts as now.
   */
  since(time: number): number {
    const awakeMs = this.awakeSince(time)
    const instant = this.#local.monotonic() - awakeMs
    return this.#jumps.reduce((sum, { kind, at, byMs }) => (kind === 'slept' && at > instant ? sum + byMs : sum), awakeMs)
  }

  /** The same without the time that the machine was asleep, in which nothing ran on it. */
  awakeSince(time: number): number {
    const now = this.#local.monotonic()
    let [offset, end, agoMs, isBefore] = [this.#offset, now, 0, false]
    for (const jump of [...this.#jumps.toReversed(), undefined]) {
      const instant = time - offset
      if (instant <= end && instant >= (jump?.at ?? Number.NEGATIVE_INFINITY)) return now - instant
      // The clock never showed it: it was set forward, past it.
      if (instant > end && isBefore) agoMs = now - end
      isBefore = instant <= end
      offset -= jump?.byMs ?? 0
      end = jump?.at ?? end
    }
    return agoMs
  }

  /** Before its first use there is no time that could jump. */
  protected override async prepare(): Promise<void> {
    await this.#compare()
    this.#isBegun = true
  }

  protected async run(signal: AbortSignal): Promise<void> {
    while (await pause(this.#local, ROUND_MS, signal)) {
      const isDue = this.#local.monotonic() - this.#askedAt >= ASK_EVERY_MS
      if (isDue || Math.abs(this.#drift()) > STEP_MS) await this.#compare()
    }
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'clock.died', err: error }, 'the clocks are not compared any more')
  }

  /** Whether this machine's clock is right, and its recent faults. */
  describe(): { ok: boolean; message: string } {
    const now = this.#local.monotonic()
    const jump = this.#jumps.findLast(({ at, kind }) => kind === 'set' && now - at < RECENT_MS)
    const slept = this.#jumps.findLast(({ at, kind }) => kind === 'slept' && now - at < RECENT_MS)
    const parts = [this.#agreement]
    if (this.#wrong) {
      const { text, since, until } = this.#wrong
      if (until === Number.POSITIVE_INFINITY) parts.splice(0, 1, `${text}; the mesh's time is used`)
      else if (now - until < RECENT_MS) parts.push(`${text} for ${spanOf(until - since)}, until ${spanOf(now - until)} ago`)
      else this.#wrong = undefined
    }
    if (jump)
      parts.push(`the mesh's time was set ${jump.byMs > 0 ? 'forward' : 'back'} by ${spanOf(jump.byMs)} ${spanOf(now - jump.at)} ago`)
    if (slept) parts.push(`the machine slept for ${spanOf(slept.byMs)} until ${spanOf(now - slept.at)} ago`)
    return { ok: !jump && !this.#wrong, message: parts.join('; ') }
  }

  #drift(): number {
    return this.#local.now() - this.#local.monotonic() - this.#offset
  }

  async #compare(): Promise<void> {
    this.#askedAt = this.#local.monotonic()
    const differences = await Promise.all(this.#sources.map((source) => this.#differenceTo(source)))
    const known = differences.filter((difference) => difference !== undefined)
    const local = this.#local.now() - this.#local.monotonic()
    // Without another clock nothing is decided and time goes on as before. Only a process that has never seen one relies on its wall clock.
    if (known.length === 0) {
      this.#agreement = 'the other clocks of the mesh cannot be asked'
      return
    }
    const wrongBy = -rightOf([0, ...known.map(({ ms }) => ms)])
    const isRight = Math.abs(wrongBy) <= TOLERATED_MS
    this.#note(isRight ? undefined : wrongBy, known)
    this.#adopt(isRight ? local : local - wrongBy, isRight ? STEP_MS : TOLERATED_MS)
  }

  /** By how much another clock is ahead of the wall clock. */
  async #differenceTo(source: TimeSource): Promise<{ name: string; ms: number } | undefined> {
    const [wall, began] = [this.#local.now(), this.#local.monotonic()]
    const time = await source.read().catch(() => undefined)
    if (time === undefined) return undefined
    const tookMs = this.#local.monotonic() - began
    // The wall clock may jump while the answer is on its way: its present value counts.
    const jumpedMs = this.#local.now() - wall - tookMs
    return tookMs > TOLERATED_MS
      ? undefined
      : { name: source.name, ms: time - wall - tookMs / 2 - (Math.abs(jumpedMs) > STEP_MS ? jumpedMs : 0) }
  }

  #note(wrongBy: number | undefined, known: readonly { name: string; ms: number }[]): void {
    const now = this.#local.monotonic()
    this.#agreement = known.map(({ name, ms }) => `${name}'s clock is ${spanOf(ms)} ${ms < 0 ? 'behind' : 'ahead'}`).join(', ')
    if (wrongBy === undefined) {
      if (this.#wrong) this.#wrong.until = Math.min(this.#wrong.until, now)
      return
    }
    if (this.#wrong && this.#wrong.until > now) return
    const names = known.map(({ name }) => `${name}'s`).join(' and ')
    const text = `this machine's clock was ${spanOf(wrongBy)} ${wrongBy < 0 ? 'behind' : 'ahead of'} ${names}`
    this.#wrong = { text, since: now, until: Number.POSITIVE_INFINITY }
    this.#log.warn(
      { evt: 'clock.wrong', byMs: Math.round(wrongBy), what: text },
      'the clock of this machine is wrong; the time of the mesh is used',
    )
  }

  #adopt(offset: number, unlessMs: number): void {
    const byMs = offset - this.#offset
    const asleepMs = this.#uptimeMs() - this.#local.monotonic()
    const sleptMs = asleepMs - this.#asleepMs
    this.#asleepMs = asleepMs
    if (Math.abs(byMs) <= unlessMs) return
    this.#offset = offset
    if (!this.#isBegun) return
    const jump: Jump = { byMs, kind: Math.abs(byMs - sleptMs) <= TOLERATED_MS ? 'slept' : 'set', at: this.#local.monotonic() }
    this.#jumps.push(jump)
    if (this.#jumps.length > JUMPS_KEPT) this.#jumps.shift()
    this.#log.warn(
      { evt: 'clock.jumped', byMs: Math.round(byMs), kind: jump.kind },
      'the time of the mesh has jumped; schedules are computed again',
    )
    for (const listener of this.#listeners) listener(jump)
  }
}

/** The median, where 0 is this machine's; of two the other one. */
function rightOf(differences: readonly number[]): number {
  if (differences.length === 2) return differences[1] as number
  return differences.toSorted((one, other) => one - other)[Math.floor(differences.length / 2)] as number
}

function spanOf(ms: number): string {
  const whole = Math.round(Math.abs(ms))
  if (whole < 10_000) return `${whole} ms`
  const seconds = Math.round(whole / 1_000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}
