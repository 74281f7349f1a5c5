import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import type { CoordinatorRecord, Store } from '@carillon/store'
import { type Change, DEATHS_COUNT_MS, missingCoordinators } from './rules/coordinator-count.ts'
import { sharesOf } from './rules/shares.ts'

const BEAT_MS = 500
/** A coordinator whose record does not change for so long is dead. One that lives and is taken for dead loses nothing: all writes are conditional. */
const DEAD_AFTER_MS = 2_500
/** More than one beat was missed, and less time passed than until others remove the record of a dead one. */
const SILENT_MS = 3 * BEAT_MS

interface Seen {
  readonly beat: number
  /** When its beat changed last. */
  readonly at: number
  /** It was present when this process started, and its beat has not changed since. */
  readonly isOlder: boolean
  isDead?: boolean
}

/**
 * Stores twice a second that this coordinator lives and its checkpoint, and reads the records of the others. Liveness is a record that changes,
 * measured by our own clock, so clocks are never compared.
 */
export class Membership extends LoopService {
  readonly #id: string
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #publishedBefore: () => number
  readonly #takeOver: (dead: CoordinatorRecord) => Promise<void>
  readonly #seen = new Map<string, Seen>()
  readonly #removals = new Map<string, Promise<void>>()
  #changes: Change[] = []
  #beat = 0
  #live = 1
  #shares: readonly number[]

  constructor(options: {
    id: string
    store: Store
    clock: Clock
    log: Logger
    publishedBefore: () => number
    takeOver: (dead: CoordinatorRecord) => Promise<void>
  }) {
    super()
    this.#id = options.id
    this.#store = options.store
    this.#clock = options.clock
    this.#log = options.log
    this.#publishedBefore = options.publishedBefore
    this.#takeOver = options.takeOver
    this.#shares = sharesOf(options.id, [options.id])
  }

  /** The part of the key space that this coordinator is responsible for. While it does not know of the others, that is all of it. */
  get shares(): readonly number[] {
    return this.#shares
  }

  /** How many coordinators live, and how many died recently without being replaced. */
  get counts(): { readonly live: number; readonly missing: number } {
    return { live: this.#live, missing: missingCoordinators(this.#changes, this.#clock.monotonic()) }
  }

  protected override prepare(): Promise<void> {
    return this.#round()
  }

  protected async run(signal: AbortSignal): Promise<void> {
    while (await pause(this.#clock, BEAT_MS, signal)) {
      await this.#round().catch((error: unknown) =>
        this.#log.error({ evt: 'membership.failed', err: error }, 'the heartbeat could not be stored; trying again'),
      )
    }
    await Promise.all(this.#removals.values())
    await this.#store.coordinators
      .remove(this.#id)
      .catch((error: unknown) =>
        this.#log.warn({ evt: 'membership.goodbye-failed', err: error }, 'the record of this coordinator could not be removed'),
      )
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'membership.died', err: error }, 'the membership loop died')
  }

  async #round(): Promise<void> {
    await this.#store.coordinators.put({ id: this.#id, beat: ++this.#beat, publishedBefore: this.#publishedBefore() })
    const now = this.#clock.monotonic()
    const isFirst = this.#beat === 1
    if (isFirst) this.#note('appeared', now)
    const records = await this.#store.coordinators.list()
    const live = [this.#id]
    for (const record of records.filter(({ id }) => id !== this.#id)) {
      const before = this.#seen.get(record.id)
      if (before === undefined && !isFirst) this.#note('appeared', now)
      if (before?.beat !== record.beat)
        this.#seen.set(record.id, { beat: record.beat, at: now, isOlder: before?.isOlder === undefined ? isFirst : false })
      if (before?.beat !== record.beat || now - before.at < DEAD_AFTER_MS) live.push(record.id)
      else {
        this.#noteDeath(record.id)
        if (!this.#removals.has(record.id)) this.#removals.set(record.id, this.#removeDeadCoordinator(record))
      }
    }
    for (const [id, { at }] of this.#seen) {
      if (records.some((record) => record.id === id)) continue
      // One that leaves in order does so right after a beat; the record of a dead one is removed by others.
      if (now - at > SILENT_MS) this.#noteDeath(id)
      this.#seen.delete(id)
    }
    this.#live = live.length
    this.#shares = sharesOf(this.#id, live)
  }

  #noteDeath(id: string): void {
    const seen = this.#seen.get(id)
    if (seen === undefined || seen.isDead) return
    seen.isDead = true
    // One that was never seen alive died before this process started, which may be its replacement.
    this.#note('died', seen.isOlder ? seen.at - 1 : seen.at)
  }

  #note(kind: Change['kind'], atMs: number): void {
    const now = this.#clock.monotonic()
    this.#changes = [...this.#changes.filter((change) => now - change.atMs < DEATHS_COUNT_MS), { kind, atMs }]
  }

  /** Any coordinator may do it, also several at once. Not within a round: it may take longer than the beat of this coordinator may be silent. */
  async #removeDeadCoordinator(dead: CoordinatorRecord): Promise<void> {
    this.#log.warn({ evt: 'coordinator.dead', coordinator: dead.id }, 'a coordinator died; taking over')
    try {
      await this.#takeOver(dead)
      await this.#store.coordinators.remove(dead.id)
      this.#seen.delete(dead.id)
    } catch (error) {
      this.#log.error({ evt: 'coordinator.take-over-failed', coordinator: dead.id, err: error }, 'could not take over; trying again')
    }
    this.#removals.delete(dead.id)
  }
}
