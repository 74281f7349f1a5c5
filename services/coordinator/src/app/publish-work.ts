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

/** A write that queues a task, whose message the broker has not accepted yet. */
export interface Expectation {
  readonly taskId: string
  readonly attempt: number
  readonly queuedAt: number
  /** Another write that queues the same task, still under way. */
  before: Expectation | undefined
}

/** Publishes the work message of queued tasks that anyone may take, and knows which the broker has not accepted yet. */
export class WorkPublisher {
  readonly #broker: Broker
  readonly #publisher: StreamPublisher
  readonly #clock: Clock
  readonly #log: Logger
  /** By task: the newest of the writes that queue it. */
  readonly #unaccepted = new Map<string, Expectation>()
  /** Tasks whose publish was refused or had no answer; the repair looks at them. */
  readonly refused = new Set<string>()

  constructor(options: { broker: Broker; publisher: StreamPublisher; clock: Clock; log: Logger }) {
    this.#broker = options.broker
    this.#publisher = options.publisher
    this.#clock = options.clock
    this.#log = options.log
  }

  /**
   * Before a task is written as queued: until its message is accepted, the checkpoint stays behind it. Several writes may queue the same task at once;
   * each has an expectation of its own, so that one that is refused settles nothing for the others.
   */
  expect({ id, attempt, queuedAt }: { id: string; attempt: number; queuedAt: number | null }): Expectation {
    const expectation = { taskId: id, attempt, queuedAt: queuedAt ?? 0, before: this.#unaccepted.get(id) }
    this.#unaccepted.set(id, expectation)
    return expectation
  }

  /** Nothing was written: nothing is owed for it. */
  release(expectation: Expectation | undefined): void {
    if (expectation) this.#keep(expectation.taskId, (other) => other !== expectation)
  }

  /** Whether something was written is not known: the repair looks. */
  doubt(expectation: Expectation | undefined): void {
    if (expectation) this.refused.add(expectation.taskId)
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
    for (const newest of this.#unaccepted.values())
      for (let one: Expectation | undefined = newest; one; one = one.before) oldest = Math.min(oldest, one.queuedAt)
    return oldest
  }

  #send({ run, task }: Work, messageId: string): void {
    const subject = subjects.work(run.namespace, run.handler, task.id)
    const message = { subject, body: workText(run, task), messageId, traceparent: run.traceparent ?? undefined }
    this.#publisher.publish(message, (refusal) => {
      if (!refusal || refusal.code === SUBJECT_TAKEN) this.satisfied(task.id, task.attempt)
      else this.refuse(task.id, refusal.message)
    })
  }

  /** The broker did not take its message, or nobody could ask it: the repair publishes it again. */
  refuse(taskId: string, why: string): void {
    if (this.refused.size === 0)
      this.#log.warn({ evt: 'work.refused', taskId, why }, 'the broker did not take a work message; it is tried again')
    this.refused.add(taskId)
  }

  /** An attempt of the task has its message, or needs none any more. */
  satisfied(taskId: string, attempt: number): void {
    this.#keep(taskId, (other) => other.attempt > attempt)
  }

  #keep(taskId: string, isKept: (expectation: Expectation) => boolean): void {
    let kept: Expectation | undefined
    for (let one = this.#unaccepted.get(taskId); one; ) {
      const { before } = one
      if (isKept(one)) {
        one.before = kept
        kept = one
      }
      one = before
    }
    if (kept) this.#unaccepted.set(taskId, kept)
    else this.settled(taskId)
  }

  /** The task needs no message any more, or has it. */
  settled(taskId: string): void {
    this.#unaccepted.delete(taskId)
    this.refused.delete(taskId)
  }
}
