import { setImmediate as nextTurn } from 'node:timers/promises'
import { isEnded } from '@carillon/contracts'
import type { Clock, Logger } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import type { Assignments } from '../assignment-ports.ts'
import { decideAssignedLoss, isAssigned } from '../dispatch/rules/assigned.ts'
import { LIFE_KINDS, type LifeKind, readLives, readPage } from '../lives.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { Lives, Offers, Presence, Reports } from '../ports.ts'
import type { Change } from '../runs/rules/change.ts'
import { decideLoss } from '../runs/rules/loss.ts'
import { isLeg, isTaskOfRun, type Work } from '../runs/rules/work.ts'

const PAGE = 500

/** Takes over what a lost instance was running. Several coordinators may do so at once: each write names the owner that it expects. */
export class TakeOverInstance {
  readonly #store: Store
  readonly #lives: Lives
  readonly #offers: Offers
  readonly #reports: Reports
  readonly #presence: Presence
  readonly #assignments: Assignments
  readonly #clock: Clock
  readonly #log: Logger

  constructor(options: {
    store: Store
    lives: Lives
    offers: Offers
    reports: Reports
    presence: Presence
    assignments: Assignments
    clock: Clock
    log: Logger
  }) {
    this.#store = options.store
    this.#lives = options.lives
    this.#offers = options.offers
    this.#reports = options.reports
    this.#presence = options.presence
    this.#assignments = options.assignments
    this.#clock = options.clock
    this.#log = options.log
  }

  async execute(namespace: string, instance: string, signal: AbortSignal): Promise<void> {
    // Its last reports may still be in the stream; a task that has ended must not run again.
    const isApplied = await this.#reports.reportsApplied(signal)
    await this.#takeAssigned(namespace, instance, isApplied)
    for (const kind of LIFE_KINDS) await this.#takeOver(kind, { namespace, owner: instance })
  }

  /** What was assigned to it and has not begun, as far as this coordinator knows. What others have assigned is found by its `wakeAt`, and so is all of it if reports are late. */
  async #takeAssigned(namespace: string, instance: string, isApplied: boolean): Promise<void> {
    const ids = this.#assignments.assignedTo(namespace, instance)
    this.#assignments.gone(namespace, instance)
    if (!isApplied) return
    const now = this.#clock.now()
    for (let i = 0; i < ids.length; i += PAGE) {
      const works = (await readLives(this.#store, ids.slice(i, i + PAGE))).filter((work) => work !== undefined)
      const lost = works.filter(({ run }) => isAssigned(run) && run.target === instance && this.#isGone(run))
      await this.#lives.write(lost.map((work) => ({ ...work, decision: decideAssignedLoss(work.run, now) })))
    }
  }

  #isGone({ namespace, target, ownerSession }: RunHead): boolean {
    return !this.#presence.holds(namespace, target ?? '', ownerSession)
  }

  async #takeOver(kind: LifeKind, query: { namespace: string; owner: string }): Promise<void> {
    const now = this.#clock.now()
    let cursor: string | undefined
    do {
      const page = await readPage(this.#store, kind, (lives) => lives.ownedBy({ ...query, cursor, limit: PAGE }))
      const open = page.items.filter((work) => work !== undefined).filter((work) => this.#isLost(work))
      if (open.length > 0)
        this.#log.info(
          { evt: 'instance.taken-over', instance: query.owner, [kind]: open.length },
          'taking over from an instance that is gone',
        )
      const changes: Change[] = []
      for (const work of open) changes.push(await this.#lossOf(work, now))
      await this.#lives.write(changes)
      await nextTurn()
      cursor = page.cursor
    } while (cursor)
  }

  async #lossOf(work: Work, now: number): Promise<Change> {
    if (isLeg(work)) return this.#offers.loss(work)
    return { ...work, decision: decideLoss(work.task, { now }) }
  }

  /** Its task is open, and neither has the process that owns it registered again, nor a new one of its name begun it. */
  #isLost(work: Work): boolean {
    const { namespace, state, owner, ownerSession } = work.task
    if (isEnded(state) || (!isTaskOfRun(work) && isFanOut(work.run))) return false
    return owner === null || !this.#presence.holds(namespace, owner, ownerSession)
  }
}
