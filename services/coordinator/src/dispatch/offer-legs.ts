import type { Clock, Logger } from '@carillon/runtime'
import type { RunRecord, Slice, Store, TaskHead } from '@carillon/store'
import { decideLegLoss, decideLegMove, isSeatOf, routedLeg, seatRecord } from '../modes/broadcast/plan.ts'
import type { Matching, OfferSender, Offers, Presence, Tasks, Timers } from '../ports.ts'
import type { TaskChange } from '../runs/rules/change.ts'
import type { TaskOfRun } from '../runs/rules/work.ts'

const OFFER_AGAIN_MS = 2_000
const BUSY_AGAIN_MS = 1_000
const PAGE = 500
/** Offers of so many payloads fit into the memory of a process and into the buffer of its connection. */
const UNDER_WAY_AT_MOST = 50

/** Offers the tasks of a broadcast to their instances; an offer without an answer is repeated by the task's `wakeAt`. */
export class OfferLegs implements Offers {
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #presence: Presence
  readonly #timers: Timers
  readonly #sender: OfferSender
  readonly #matching: Matching
  readonly #clock: Clock
  readonly #log: Logger
  readonly #waiting: TaskOfRun[] = []
  #underWay = 0
  /** The run of the last offer: legs of one run are offered one after another and share its payload. */
  #last: { readonly id: string; readonly run: Promise<RunRecord | undefined> } | undefined

  constructor(options: {
    store: Store
    tasks: Tasks
    presence: Presence
    timers: Timers
    sender: OfferSender
    matching: Matching
    clock: Clock
    log: Logger
  }) {
    this.#timers = options.timers
    this.#store = options.store
    this.#tasks = options.tasks
    this.#presence = options.presence
    this.#sender = options.sender
    this.#matching = options.matching
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Returns at once; a failure is logged. */
  soon(leg: TaskOfRun): void {
    this.#waiting.push(leg)
    this.#next()
  }

  #next(): void {
    for (let leg = this.#takeWaiting(); leg !== undefined; leg = this.#takeWaiting()) {
      const { id } = leg.task
      this.#underWay++
      this.execute(leg)
        .catch((error: unknown) =>
          this.#log.error({ evt: 'offer.failed', taskId: id, err: error }, 'a task could not be offered; it is tried again'),
        )
        .finally(() => {
          this.#underWay--
          if (this.#underWay === 0) this.#last = undefined
          this.#next()
        })
    }
  }

  #takeWaiting(): TaskOfRun | undefined {
    return this.#underWay < UNDER_WAY_AT_MOST ? this.#waiting.shift() : undefined
  }

  async execute(leg: TaskOfRun): Promise<void> {
    const [namespace, target] = [leg.run.namespace, leg.task.target ?? '']
    if (this.#presence.isHung(namespace, target) || this.#presence.isCordoned(namespace, target)) await this.#leaveUnavailable(leg)
    else if (await this.#hasSeat(leg.task)) await this.#offer(leg)
    else await this.#move(leg, await this.#unused(leg))
  }

  /** A hung or cordoned instance holds no leg that has not begun: it goes to an unused instance, or waits until its own takes work again. */
  async #leaveUnavailable(leg: TaskOfRun): Promise<void> {
    const unused = await this.#unused(leg)
    if (unused.length > 0) await this.#move(leg, unused)
    else await this.#again(leg.task, OFFER_AGAIN_MS)
  }

  async #move(leg: TaskOfRun, unused: readonly string[]): Promise<void> {
    await this.#tasks.write([{ ...leg, decision: decideLegMove(leg.task, unused, this.#clock.now()) }])
  }

  async #offer({ run: { id }, task }: TaskOfRun): Promise<void> {
    if (this.#last?.id !== id) this.#last = { id, run: this.#store.runs.get([id]).then(([run]) => run) }
    const run = await this.#last.run
    if (!run) return
    const answer = await this.#sender.send(run, { ...task, item: null }, task.target ?? '')
    if (typeof answer !== 'object') await this.#again(task, OFFER_AGAIN_MS)
    else if (!answer.accepted) await this.#again(task, BUSY_AGAIN_MS)
  }

  /** The decision about a leg whose instance is gone. */
  async loss(leg: TaskOfRun): Promise<TaskChange> {
    return { ...leg, decision: decideLegLoss(leg.task, await this.#unused(leg), this.#clock.now()) }
  }

  /** The same for a leg whose instance has reported that it dies: the instance may still be present, and is ignored. */
  async afterDeath({ decision, ...leg }: TaskChange): Promise<TaskChange> {
    const unused = (await this.#unused(leg)).filter((instance) => instance !== leg.task.target)
    return { ...leg, decision: routedLeg(leg.task, decision, { unused, now: this.#clock.now() }) }
  }

  /** In its first attempt a leg is routed to the instance that it was created for. */
  async #hasSeat(leg: TaskHead): Promise<boolean> {
    if (leg.attempt === 1) return true
    const seat = seatRecord(leg, this.#clock.now())
    const [outcome] = await this.#store.steps.insert([seat])
    if (outcome === 'created') return true
    const [taken] = await this.#store.steps.get([seat.id])
    return taken !== undefined && isSeatOf(taken, leg)
  }

  /** Live instances that have no other leg of the run; the leg's own one, restarted under its name, only if there is no other. */
  async #unused({ run, task }: TaskOfRun): Promise<string[]> {
    const used = new Set<string | null>()
    await this.#pages(
      (page) => this.#store.tasks.list({ runId: run.id, ...page }),
      (other) => other.id !== task.id && used.add(other.target),
    )
    await this.#pages(
      (page) => this.#store.steps.list({ taskId: run.id, ...page }),
      (seat) => !isSeatOf(seat, task) && used.add(seat.name),
    )
    const unused = this.#matching.names(run).filter((instance) => !used.has(instance))
    const others = unused.filter((instance) => instance !== task.target)
    return others.length > 0 ? others : unused
  }

  async #pages<Item>(read: (page: { cursor: string | undefined; limit: number }) => Promise<Slice<Item>>, take: (item: Item) => unknown) {
    let cursor: string | undefined
    do {
      const slice = await read({ cursor, limit: PAGE })
      for (const item of slice.items) take(item)
      cursor = slice.cursor
    } while (cursor)
  }

  async #again(task: TaskHead, delayMs: number): Promise<void> {
    const wakeAt = this.#clock.now() + delayMs
    await this.#store.tasks.update([{ id: task.id, expect: { state: ['queued'], attempt: task.attempt }, set: { wakeAt } }])
    this.#timers.arm('tasks', { id: task.id, wakeAt })
  }
}
