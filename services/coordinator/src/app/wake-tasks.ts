import { isEnded, TIMES } from '@carillon/contracts'
import { type Decision, decideCancel, decideDue, decideLoss, decideTimeout, isRefused, nextCheck } from '../domain/life.ts'
import type { OfferLegs } from './offer-legs.ts'
import type { PresenceWatch } from './presence.ts'
import type { TaskChange, TaskOfRun, TaskWriter } from './write-tasks.ts'

/** Decides about tasks of runs with many whose `wakeAt` has come: delays that are over, offers not heard of, owners and time limits. */
export class WakeTasks {
  readonly #writer: TaskWriter
  readonly #offers: OfferLegs
  readonly #presence: PresenceWatch

  constructor(options: { tasks: TaskWriter; offers: OfferLegs; presence: PresenceWatch }) {
    this.#writer = options.tasks
    this.#offers = options.offers
    this.#presence = options.presence
  }

  async execute(ids: readonly string[]): Promise<void> {
    const now = this.#writer.now()
    const changes: TaskChange[] = []
    for (const known of await this.#writer.known(ids)) {
      if (!known || isEnded(known.task.state) || known.task.wakeAt === null || known.task.wakeAt > now) continue
      const change = await this.#lookAt(known, now)
      if (change) changes.push(change)
    }
    await this.#writer.write(changes)
  }

  async #lookAt(known: TaskOfRun, now: number): Promise<TaskChange | undefined> {
    const { task, run } = known
    const change = (decision: Pick<Decision, 'expect' | 'set'>) => ({ ...known, decision })
    if (isEnded(run.state)) {
      // It was made while its run was being cancelled.
      const decision = task.state === 'cancelling' ? decideLoss(task, { now }) : decideCancel(task, now)
      return isRefused(decision) ? undefined : change(decision)
    }
    if (task.state === 'delayed') {
      const due = decideDue(task, now)
      return change(task.target === null ? due : { ...due, set: { ...due.set, wakeAt: now + TIMES.ackWaitMs } })
    }
    const holder = task.owner ?? task.target
    if (holder !== null && this.#presence.isLost(run.namespace, holder))
      return task.target === null ? change(decideLoss(task, { now })) : this.#offers.loss(known)
    if (task.state === 'cancelling') return change(decideLoss(task, { now }))
    const expect = { state: [task.state], attempt: task.attempt, owner: [task.owner] }
    if (task.state === 'queued') return change({ expect, set: { state: 'queued', wakeAt: now + TIMES.ackWaitMs } })
    const next = nextCheck(task.startedAt ?? now, run.timeoutMs, now)
    if (run.timeoutMs === null || next > now + 1) return change({ expect, set: { wakeAt: next } })
    return change(decideTimeout(task, { policy: run, now }))
  }
}
