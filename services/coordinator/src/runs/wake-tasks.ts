import { CarillonError, isEnded, TIMES } from '@carillon/contracts'
import { inIsolation, mayPass } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { OfferLegs } from '../dispatch/offer-legs.ts'
import type { PresenceWatch } from '../dispatch/presence.ts'
import type { Decision } from './rules/decision.ts'
import { decideCancel, decideWake, isRefused } from './rules/life.ts'
import { decideLoss } from './rules/loss.ts'
import type { Lived } from './rules/timing.ts'
import { readTasks, type TaskOfRun } from './tasks-of-runs.ts'
import type { RunWriter } from './write-runs.ts'
import type { TaskChange, TaskWriter } from './write-tasks.ts'

/** Decides about tasks of runs with many whose `wakeAt` has come: delays that are over, offers not heard of, owners and time limits. */
export class WakeTasks {
  readonly #runs: Pick<RunWriter, 'control'>
  readonly #store: Store
  readonly #writer: TaskWriter
  readonly #offers: OfferLegs
  readonly #presence: PresenceWatch
  readonly #lived: Lived

  constructor(options: {
    store: Store
    writer: Pick<RunWriter, 'control'>
    tasks: TaskWriter
    offers: OfferLegs
    presence: PresenceWatch
    lived: Lived
  }) {
    this.#store = options.store
    this.#runs = options.writer
    this.#writer = options.tasks
    this.#offers = options.offers
    this.#presence = options.presence
    this.#lived = options.lived
  }

  /** One that cannot be read or decided about costs no other. @throws what may pass, and the first error of those, when the others are done */
  async execute(ids: readonly string[]): Promise<void> {
    const now = this.#writer.now()
    const changes: TaskChange[] = []
    const faulty: { known: TaskOfRun; error: CarillonError }[] = []
    const errors: unknown[] = []
    const read = await inIsolation(
      ids,
      (some) => readTasks(this.#store, some),
      (_, error) => {
        errors.push(error)
        return undefined
      },
    )
    for (const known of read) {
      if (!known || isEnded(known.task.state) || known.task.wakeAt === null || known.task.wakeAt > now) continue
      try {
        const change = await this.#lookAt(known, now)
        if (change) changes.push(change)
      } catch (error) {
        if (mayPass(error)) errors.push(error)
        else faulty.push({ known, error: CarillonError.from(error) })
      }
    }
    await this.#writer.write(changes)
    await this.#writer.endFaulty(faulty)
    if (errors.length > 0) throw errors[0]
  }

  async #lookAt(known: TaskOfRun, now: number): Promise<TaskChange | undefined> {
    const { task, run } = known
    const change = (decision: Pick<Decision, 'expect' | 'set'>) => ({ ...known, decision })
    if (isEnded(run.state)) {
      // It was made while its run was being cancelled.
      const decision = task.state === 'cancelling' ? decideLoss(task, { now }) : decideCancel(task, now)
      return isRefused(decision) ? undefined : change(decision)
    }
    const holder = task.owner ?? task.target
    const isLost = holder !== null && this.#presence.isLost(run.namespace, holder, task.owner === null ? null : task.ownerSession)
    if (task.target !== null && isLost && task.state !== 'delayed') return this.#offers.loss(known)
    // An offer that was not heard of is made again.
    if (task.state === 'queued')
      return change({ expect: { state: ['queued'], attempt: task.attempt }, set: { state: 'queued', wakeAt: now + TIMES.ackWaitMs } })
    const decision = decideWake(task, { policy: run, isLost, now, lived: this.#lived })
    // The broker may have lost both its message and the report of its end: then nobody else would ask.
    if (decision.event === 'checked' && task.owner)
      this.#runs.control(run.namespace, task.owner, { type: 'check', runId: run.id, taskId: task.id, attempt: task.attempt })
    const isOffered = decision.event === 'due' && task.target !== null
    return change(isOffered ? { ...decision, set: { ...decision.set, wakeAt: now + TIMES.ackWaitMs } } : decision)
  }
}
