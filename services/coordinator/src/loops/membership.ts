import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import type { CoordinatorRecord, Store } from '@carillon/store'
import { sharesOf } from '../domain/shares.ts'

const BEAT_MS = 1_000
/** A coordinator whose record stands still for so long is dead. */
const DEAD_AFTER_MS = 5_000

/**
 * Says once a second that this coordinator lives and what of its work the broker has, and sees who else does. Liveness is a record that changes,
 * measured by our own clock, so clocks are never compared.
 */
export class Membership extends LoopService {
  readonly #id: string
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #publishedBefore: () => number
  readonly #takeOver: (dead: CoordinatorRecord) => Promise<void>
  readonly #seen = new Map<string, { beat: number; at: number }>()
  readonly #burials = new Map<string, Promise<void>>()
  #beat = 0
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

  /** The part of the key space that this coordinator looks after. While it does not know of the others, that is all of it. */
  get shares(): readonly number[] {
    return this.#shares
  }

  protected override prepare(): Promise<void> {
    return this.#round()
  }

  protected async run(signal: AbortSignal): Promise<void> {
    while (await pause(this.#clock, BEAT_MS, signal)) {
      await this.#round().catch((error: unknown) =>
        this.#log.error({ evt: 'membership.failed', err: error }, 'cannot say that we live; trying again'),
      )
    }
    await Promise.all(this.#burials.values())
    await this.#store.coordinators
      .remove(this.#id)
      .catch((error: unknown) => this.#log.warn({ evt: 'membership.goodbye-failed', err: error }, 'could not say goodbye'))
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'membership.died', err: error }, 'the membership loop died')
  }

  async #round(): Promise<void> {
    await this.#store.coordinators.put({ id: this.#id, beat: ++this.#beat, publishedBefore: this.#publishedBefore() })
    const now = this.#clock.monotonic()
    const records = await this.#store.coordinators.list()
    const live = [this.#id]
    for (const record of records.filter(({ id }) => id !== this.#id)) {
      const before = this.#seen.get(record.id)
      if (before?.beat !== record.beat) this.#seen.set(record.id, { beat: record.beat, at: now })
      if (before?.beat !== record.beat || now - before.at < DEAD_AFTER_MS) live.push(record.id)
      else if (!this.#burials.has(record.id)) this.#burials.set(record.id, this.#bury(record))
    }
    for (const id of this.#seen.keys()) if (!records.some((record) => record.id === id)) this.#seen.delete(id)
    this.#shares = sharesOf(this.#id, live)
  }

  /** Whoever sees it first does; several at once do no harm. Beside the rounds: it may take longer than others wait for our own beat. */
  async #bury(dead: CoordinatorRecord): Promise<void> {
    this.#log.warn({ evt: 'coordinator.dead', coordinator: dead.id }, 'a coordinator died; taking over')
    try {
      await this.#takeOver(dead)
      await this.#store.coordinators.remove(dead.id)
      this.#seen.delete(dead.id)
    } catch (error) {
      this.#log.error({ evt: 'coordinator.take-over-failed', coordinator: dead.id, err: error }, 'could not take over; trying again')
    }
    this.#burials.delete(dead.id)
  }
}
