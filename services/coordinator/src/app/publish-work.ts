import { subjects, workOfRunFilter } from '@carillon/contracts'
import type { Broker, Clock, Logger, StreamPublisher } from '@carillon/runtime'
import type { RunRecord, TaskRecord } from '@carillon/store'
import { workText } from '../domain/views.ts'

/** The stream has a message on this subject already: what we wanted. */
const SUBJECT_TAKEN = 10077

/** Repairs of one run in the same span of time are one. */
const REPAIR_SPAN_MS = 30_000

/** Something that is owed a work message: a task, and the run that it belongs to. The only task of a single run is the run itself. */
export interface Work {
  readonly run: RunRecord
  readonly task: RunRecord | TaskRecord
}

/** Publishes the work message of queued tasks that anyone may take, and knows which the broker has not accepted yet. */
export class WorkPublisher {
  readonly #broker: Broker
  readonly #publisher: StreamPublisher
  readonly #clock: Clock
  readonly #log: Logger
  /** By task: when it was queued. In the order of publishing, so the first is about the oldest. */
  readonly #unaccepted = new Map<string, number>()
  /** Tasks whose publish was refused or had no answer; the repair looks at them. */
  readonly refused = new Set<string>()

  constructor(options: { broker: Broker; publisher: StreamPublisher; clock: Clock; log: Logger }) {
    this.#broker = options.broker
    this.#publisher = options.publisher
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Before a task is written as queued: until its message is accepted, the checkpoint stays behind it. */
  expect(taskId: string, queuedAt: number): void {
    this.#unaccepted.set(taskId, queuedAt)
  }

  isExpected(taskId: string): boolean {
    return this.#unaccepted.has(taskId)
  }

  /**
   * Publishing again is harmless: a subject holds one message, and the message id is that of (task, attempt).
   * @param options.again the broker was asked and has no message: its memory of the message id must not keep this one away, but one of
   *   several coordinators that repair at the same time is enough
   */
  publish(work: Work, options: { again: boolean } = { again: false }): void {
    const { id, attempt, queuedAt } = work.task
    if (options.again) {
      this.#send(work, `${id}.${attempt}.again.${Math.floor(this.#clock.now() / REPAIR_SPAN_MS)}`)
      return
    }
    if (attempt === 1) {
      this.#send(work, `${id}.1`)
      return
    }
    // The message of the attempt before may still wait for its acknowledgement: it must go before this one can come.
    this.withdraw(work)
      .then(() => this.#send(work, `${id}.${attempt}.${queuedAt}`))
      .catch((error: unknown) => this.refuse(id, String(error)))
  }

  /** Takes a task's message out of the stream, if it is there. */
  async withdraw({ run, task }: Work): Promise<void> {
    await this.#broker.manager.streams.purge('WORK', { filter: subjects.work(run.namespace, run.handler, task.id) })
  }

  /** The same for all tasks of a run with many. */
  async withdrawAll(run: RunRecord): Promise<void> {
    await this.#broker.manager.streams.purge('WORK', { filter: workOfRunFilter(run.namespace, run.handler, run.id) })
  }

  /** Messages that the broker has not accepted yet. */
  get outstanding(): number {
    return this.#unaccepted.size
  }

  /** Everything that was queued before this time is accepted; `now` when nothing is outstanding. */
  publishedBefore(): number {
    let oldest = this.#clock.now()
    for (const queuedAt of this.#unaccepted.values()) oldest = Math.min(oldest, queuedAt)
    return oldest
  }

  #send({ run, task }: Work, messageId: string): void {
    const subject = subjects.work(run.namespace, run.handler, task.id)
    const message = { subject, body: workText(run, task), messageId, traceparent: run.traceparent ?? undefined }
    this.#publisher.publish(message, (refusal) => {
      if (!refusal || refusal.code === SUBJECT_TAKEN) this.settled(task.id)
      else this.refuse(task.id, refusal.message)
    })
  }

  /** The broker did not take its message, or nobody could ask it: the repair publishes it again. */
  refuse(taskId: string, why: string): void {
    if (this.refused.size === 0)
      this.#log.warn({ evt: 'work.refused', taskId, why }, 'the broker did not take a work message; it is tried again')
    this.refused.add(taskId)
  }

  /** The task needs no message any more, or has it. */
  settled(taskId: string): void {
    this.#unaccepted.delete(taskId)
    this.refused.delete(taskId)
  }
}
