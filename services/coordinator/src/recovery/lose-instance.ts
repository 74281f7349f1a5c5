import { setImmediate as nextTurn } from 'node:timers/promises'
import { isEnded } from '@carillon/contracts'
import type { Clock, Logger } from '@carillon/runtime'
import type { LifeStore, RunHead, Store, TaskHead } from '@carillon/store'
import type { OfferLegs } from '../dispatch/offer-legs.ts'
import type { PresenceWatch } from '../dispatch/presence.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import { decideLoss } from '../runs/rules/loss.ts'
import { withRuns } from '../runs/tasks-of-runs.ts'
import type { RunWriter } from '../runs/write-runs.ts'
import type { TaskChange, TaskWriter } from '../runs/write-tasks.ts'
import type { RepairQueue } from './repair-queue.ts'

const PAGE = 500

/** Takes over what a lost instance was running (semantics B3). Several coordinators may do so at once: each write names the owner it expects. */
export class LoseInstance {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #tasks: TaskWriter
  readonly #offers: OfferLegs
  readonly #repair: RepairQueue
  readonly #presence: PresenceWatch
  readonly #clock: Clock
  readonly #log: Logger

  constructor(options: {
    store: Store
    writer: RunWriter
    tasks: TaskWriter
    offers: OfferLegs
    repair: RepairQueue
    presence: PresenceWatch
    clock: Clock
    log: Logger
  }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#tasks = options.tasks
    this.#offers = options.offers
    this.#repair = options.repair
    this.#presence = options.presence
    this.#clock = options.clock
    this.#log = options.log
  }

  async execute(namespace: string, instance: string, signal: AbortSignal): Promise<void> {
    // What it reported before it went may still be in the stream; a task that is done must not be done again.
    await this.#repair.reportsApplied(signal)
    const now = this.#clock.now()
    await pages(this.#store.runs, { namespace, owner: instance }, async (runs) => {
      const open = runs.filter((run) => !isEnded(run.state) && !isFanOut(run) && !this.#isBack(run))
      if (open.length > 0)
        this.#log.info({ evt: 'instance.taken-over', instance, runs: open.length }, 'taking over the runs of an instance that is gone')
      await this.#writer.write(open.map((run) => ({ run, decision: decideLoss(run, { now }) })))
    })
    await pages(this.#store.tasks, { namespace, owner: instance }, async (tasks) => {
      const changes: TaskChange[] = []
      for (const known of await withRuns(this.#store, tasks)) {
        if (!known || isEnded(known.task.state) || this.#isBack(known.task)) continue
        if (known.task.target === null) changes.push({ ...known, decision: decideLoss(known.task, { now }) })
        else changes.push(await this.#offers.loss(known))
      }
      await this.#tasks.write(changes)
    })
  }

  /** The process that owns it has registered again, or a new one of its name has begun it. */
  #isBack({ namespace, owner, ownerSession }: RunHead | TaskHead): boolean {
    return owner !== null && this.#presence.holds(namespace, owner, ownerSession)
  }
}

async function pages<Head>(
  store: Pick<LifeStore<never, Head>, 'ownedBy'>,
  query: { namespace: string; owner: string },
  take: (heads: Head[]) => Promise<void>,
): Promise<void> {
  let cursor: string | undefined
  do {
    const slice = await store.ownedBy({ ...query, cursor, limit: PAGE })
    await take(slice.items)
    await nextTurn()
    cursor = slice.cursor
  } while (cursor)
}
