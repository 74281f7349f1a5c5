import { type OfferAnswer, subjects } from '@carillon/contracts'
import { type Broker, type Clock, type Logger, traceHeaders } from '@carillon/runtime'
import type { Store, TaskRecord } from '@carillon/store'
import { decideLegLoss } from '../domain/planners/broadcast.ts'
import { workText } from '../domain/views.ts'
import type { PresenceWatch } from './presence.ts'
import type { TaskChange, TaskOfRun } from './write-tasks.ts'

const OFFER_WITHIN_MS = 2_000
const OFFER_AGAIN_MS = 2_000
const BUSY_AGAIN_MS = 1_000
const PAGE = 500

/** Offers the tasks of a broadcast to their instances; what is not heard of again is offered anew by the task's `wakeAt`. */
export class OfferLegs {
  readonly #store: Store
  readonly #presence: PresenceWatch
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #log: Logger
  /** Set once by the composition. */
  arm: (due: { id: string; wakeAt: number }) => void = () => undefined

  constructor(options: { store: Store; presence: PresenceWatch; broker: Broker; clock: Clock; log: Logger }) {
    this.#store = options.store
    this.#presence = options.presence
    this.#broker = options.broker
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Called from where nobody waits. */
  soon(leg: TaskOfRun): void {
    this.execute(leg).catch((error: unknown) =>
      this.#log.error({ evt: 'offer.failed', taskId: leg.task.id, err: error }, 'a task could not be offered; it is tried again'),
    )
  }

  async execute({ run, task }: TaskOfRun): Promise<void> {
    let answer: OfferAnswer | undefined
    try {
      const options = { timeout: OFFER_WITHIN_MS, ...traceHeaders(run.traceparent) }
      const subject = subjects.direct(run.namespace, task.target ?? '')
      answer = (await this.#broker.connection.request(subject, workText(run, task), options)).json<OfferAnswer>()
    } catch (error) {
      this.#log.debug({ evt: 'offer.unanswered', taskId: task.id, target: task.target, err: error }, 'an offer had no answer')
    }
    if (!answer?.accepted) await this.#again(task, answer ? BUSY_AGAIN_MS : OFFER_AGAIN_MS)
  }

  /** What becomes of a leg whose instance is gone. */
  async loss({ run, task }: TaskOfRun): Promise<TaskChange> {
    const used = new Set<string | null>()
    let cursor: string | undefined
    do {
      const slice = await this.#store.tasks.list({ runId: run.id, cursor, limit: PAGE })
      for (const other of slice.items) used.add(other.target)
      cursor = slice.cursor
    } while (cursor)
    const unused = this.#presence.offering(run.namespace, run.handler).filter(({ instance }) => !used.has(instance))
    const { set } = decideLegLoss(
      task,
      unused.map(({ instance }) => instance),
      this.#clock.now(),
    )
    return { run, task, decision: { expect: { state: [task.state], attempt: task.attempt, owner: [task.owner] }, set } }
  }

  async #again(task: TaskRecord, delayMs: number): Promise<void> {
    const wakeAt = this.#clock.now() + delayMs
    await this.#store.tasks.update([{ id: task.id, expect: { state: ['queued'], attempt: task.attempt }, set: { wakeAt } }])
    this.arm({ id: task.id, wakeAt })
  }
}
