import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, Logger, Outgoing, Refusal, StreamPublisher } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import { readWhole } from '../lives.ts'
import type { Expectation, UnconfirmedWork, WorkQueue } from '../ports.ts'
import { workText } from '../runs/rules/views.ts'
import { bytesOf, isWhole, needsMessage, subjectOf, type WholeWork, type Work } from '../runs/rules/work.ts'
import { PublishBacklog } from './publish-backlog.ts'
import { KNOWN_FOR_MS } from './rules/known-for.ts'
import type { WorkStream } from './work-stream.ts'

/** The stream has a message on this subject already: the publish has succeeded before. */
const SUBJECT_TAKEN = 10077

/** Repairs of one run in the same span of time are one. */
const REPAIR_SPAN_MS = 30_000

/** What is on its way to the broker at most. Beyond it a task is remembered by its id, and read again when there is room. */
const MOST_BYTES = 16 * 1024 * 1024
/** The same for large messages: small ones must not wait behind them. */
const MOST_LARGE_BYTES = 2 * 1024 * 1024
const LARGE_BYTES = 16 * 1024
/** The limit while tasks are read again: low, because other messages are published after them. */
const BULK_BYTES = 2 * 1024 * 1024
/** Tasks of one read. */
const READ_BYTES = 2 * 1024 * 1024
const READ_AT_MOST = 200

/** Tasks that are remembered by their ids; a writer that creates many waits until there are fewer. */
const BACKLOG_AT_MOST = 10_000

interface Pending extends Expectation {
  readonly queuedAt: number
  /** On the monotonic clock: when the write began. */
  readonly since: number
  /** Another write that queues the same task, still under way. */
  before: Pending | undefined
}

/** A message that is handed to the connection at the end of this turn. */
interface Sent {
  readonly taskId: string
  readonly attempt: number
  readonly message: Outgoing
}

interface PublishOptions {
  /**
   * The broker has no message on the subject: deduplication must not drop this one, but one of several coordinators that repair
   * at the same time is enough.
   */
  readonly again: boolean
  /** On the monotonic clock: since when the task is known to be queued. Default: the beginning of the write that queued it. */
  readonly knownAt?: number
}

/**
 * Publishes the work messages of queued tasks that any instance may take, and knows which the broker has not accepted yet. A task in memory is published at
 * once. One that is not, or for which there is no room, is read from the store later: a few at a time, of each run in turn.
 */
export class WorkPublisher implements WorkQueue, UnconfirmedWork {
  readonly #store: Store
  readonly #stream: WorkStream
  readonly #publisher: StreamPublisher
  readonly #clock: Clock
  readonly #log: Logger
  /** By task: the newest of the writes that queue it. */
  readonly #pending = new Map<string, Pending>()
  /** Tasks whose publish was refused or had no answer; the repair decides about them. */
  readonly unconfirmedIds = new Set<string>()
  /** The newest reason. */
  unconfirmedWhy = ''
  readonly #backlog = new PublishBacklog()
  #outgoing: Sent[] = []
  #outgoingBytes = 0
  #isReading = false

  constructor(options: { store: Store; stream: WorkStream; publisher: StreamPublisher; clock: Clock; log: Logger }) {
    this.#store = options.store
    this.#stream = options.stream
    this.#publisher = options.publisher
    this.#clock = options.clock
    this.#log = options.log
  }

  /**
   * Before a task is written as queued: until its message is accepted, the checkpoint stays behind it. Several writes may queue the same task at once;
   * each has an expectation of its own, so that one that is refused settles nothing for the others.
   */
  expect({ id, attempt, queuedAt }: { id: string; attempt: number; queuedAt: number | null }): Expectation {
    const since = this.#clock.monotonic()
    const expectation = { taskId: id, attempt, queuedAt: queuedAt ?? 0, since, before: this.#pending.get(id) }
    this.#pending.set(id, expectation)
    return expectation
  }

  /** Nothing was written: no message is needed. */
  release(expectation: Expectation | undefined): void {
    if (expectation) this.#keep(expectation.taskId, (other) => other !== expectation)
  }

  /** Whether anything was written is not known: the repair publishes the message if it is needed. */
  leaveToRepair(expectation: Expectation | undefined): void {
    if (!expectation) return
    this.unconfirmedIds.add(expectation.taskId)
    this.unconfirmedWhy = 'the store did not confirm the write'
  }

  /**
   * Publishing again is harmless while the task is queued: a subject holds one message, and the message id is that of (task, attempt). Once the task
   * has run, the broker remembers neither.
   */
  publish(work: Work, options: PublishOptions = { again: false }): void {
    if (isWhole(work) && this.#hasRoom(work)) this.#publishWhole(work, options)
    else this.#publishLater(work.task.id, options)
  }

  /** Whether a task is still to be read and published here. */
  willPublish(taskId: string): boolean {
    return this.#backlog.has(taskId)
  }

  /** Whether this coordinator has queued a task, and has no answer for its message. */
  expects(taskId: string): boolean {
    return this.#pending.has(taskId)
  }

  /** Resolves when few tasks are still to be read and published. A writer that creates many waits for it before the next page. */
  room(): Promise<void> {
    return this.#backlog.room(BACKLOG_AT_MOST)
  }

  #hasRoom(work: WholeWork): boolean {
    return this.#outgoingBytes + this.#publisher.outstandingBytes < (bytesOf(work) > LARGE_BYTES ? MOST_LARGE_BYTES : MOST_BYTES)
  }

  #publishWhole(
    work: WholeWork,
    { again, knownAt = this.#pending.get(work.task.id)?.since ?? this.#clock.monotonic() }: PublishOptions,
  ): void {
    const { id, attempt, reason } = work.task
    if (again) this.#send(work, `${id}.${attempt}.again.${Math.floor(this.#clock.now() / REPAIR_SPAN_MS)}`, knownAt)
    else if (attempt === 1 && reason !== 'released') this.#send(work, `${id}.1`, knownAt)
    else this.#replace(work, knownAt).catch((error: unknown) => this.unconfirmed(id, String(error)))
  }

  /**
   * The message of an earlier attempt may still wait for its acknowledgement: it must go before that of this attempt can come. A task that was
   * released has a message, which the broker delivers again: with a second one it could be done twice in one attempt.
   */
  async #replace(work: WholeWork, knownAt: number): Promise<void> {
    const { id, attempt, queuedAt, reason } = work.task
    if (this.#isOld(knownAt, id)) return
    const there = await this.#stream.find(work)
    if (there?.attempt === attempt) return this.satisfied(id, attempt)
    if (there) await this.#stream.delete(there.sequence)
    else if (reason === 'released') return this.unconfirmed(id, 'it was released, and its message is gone: it may have been done since')
    this.#send(work, `${id}.${attempt}.${queuedAt}`, knownAt)
  }

  #publishLater(taskId: string, options: { again: boolean }): void {
    this.#backlog.add(taskId, options)
    if (this.#isReading) return
    this.#isReading = true
    this.#publishBacklog().catch((error: unknown) =>
      this.#log.error({ evt: 'work.unread', err: error }, 'work could not be read to be published; the audit finds it'),
    )
  }

  async #publishBacklog(): Promise<void> {
    try {
      for (let backlog = this.#backlog.next(READ_AT_MOST); backlog.size > 0; backlog = this.#backlog.next(READ_AT_MOST))
        await this.#publishNext(backlog)
    } finally {
      // At once: a task that is added from now on has to start another loop.
      this.#isReading = false
    }
  }

  async #publishNext(backlog: ReadonlyMap<string, { readonly again: boolean }>): Promise<void> {
    const ids = [...backlog.keys()]
    const { works, knownAt } = await this.readNext(ids).catch((error: unknown) => {
      for (const id of ids) this.unconfirmed(id, String(error))
      return { works: ids.map(() => undefined), knownAt: 0 }
    })
    for (const [i, [id, options]] of [...backlog].entries()) {
      const work = works[i]
      const attempt = work?.task.attempt
      if (i >= works.length) this.#backlog.add(id, options)
      else if (needsMessage(work)) this.#publishWhole(work, { ...options, knownAt })
      else if (attempt !== undefined) this.satisfied(id, attempt)
      else if (!this.unconfirmedIds.has(id)) this.settled(id)
    }
  }

  /**
   * Waits until there is room to publish more, and reads the first of these tasks with all that their messages carry: as many as there is room
   * for, one in any case. The only task of a single run has the run's id. A missing one is undefined.
   * @returns also when they were read, on the monotonic clock
   */
  async readNext(ids: readonly string[]): Promise<{ works: (WholeWork | undefined)[]; knownAt: number }> {
    await nextTurn()
    await this.#publisher.room(BULK_BYTES)
    const knownAt = this.#clock.monotonic()
    return { works: await readWhole(this.#store, ids.slice(0, READ_AT_MOST), READ_BYTES), knownAt }
  }

  /** Deletes a task's message from the stream, if it is there. */
  async withdraw({ run, task }: Work): Promise<void> {
    await this.#stream.remove({ run, task })
  }

  /** The same for all tasks of a fan-out run. */
  async withdrawAll(run: RunHead): Promise<void> {
    await this.#stream.removeAll(run)
  }

  /** Messages that the broker has not accepted yet. */
  get outstanding(): number {
    return this.#pending.size
  }

  /** Everything that was queued before this time is accepted; `now` when nothing is outstanding. */
  publishedBefore(): number {
    let oldest = this.#clock.now()
    for (const newest of this.#pending.values())
      for (let one: Pending | undefined = newest; one; one = one.before) oldest = Math.min(oldest, one.queuedAt)
    return oldest
  }

  /** A task that may have run in the meantime is left to the repair. */
  #isOld(knownAt: number, taskId: string): boolean {
    const isOld = this.#clock.monotonic() - knownAt > KNOWN_FOR_MS
    if (isOld) this.unconfirmed(taskId, 'it may have run while this process was suspended')
    return isOld
  }

  #send(work: WholeWork, messageId: string, knownAt: number): void {
    const { run, task } = work
    if (this.#isOld(knownAt, task.id)) return
    // It has a new message only if the former one is gone, or was of an earlier attempt. Begun without a claim it would still count as released, and so begin twice.
    const claim = task.reason === 'released'
    const message = { subject: subjectOf(work), body: workText(run, task, { claim }), messageId, traceparent: run.traceparent ?? undefined }
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#sendAll())
    this.#outgoing.push({ taskId: task.id, attempt: task.attempt, message })
    this.#outgoingBytes += message.body.length
  }

  /** What was published in one go is one batch, most of which needs no acknowledgement of its own. */
  #sendAll(): void {
    const batch = this.#outgoing
    this.#outgoing = []
    this.#outgoingBytes = 0
    const messages = batch.map(({ message }) => message)
    this.#publisher.publishAll(messages, (refusals, sequences) => {
      // Others publish, too, so the broker has not said which of those between has been stored: it is asked, and stores none twice.
      const isAnswered = sequences[0] !== undefined && sequences[batch.length - 1] !== undefined
      for (const [i, one] of batch.entries()) {
        const refusal = refusals[i]
        if (refusal && refusal.code === undefined && isAnswered) this.#publisher.publish(one.message, (again) => this.#answered(one, again))
        else this.#answered(one, refusal)
      }
    })
  }

  #answered({ taskId, attempt }: Pick<Sent, 'taskId' | 'attempt'>, refusal: Refusal | undefined): void {
    if (!refusal || refusal.code === SUBJECT_TAKEN) this.satisfied(taskId, attempt)
    else this.unconfirmed(taskId, refusal.message)
  }

  /** The broker refused its message, or it must be read again before: the repair publishes it if it is still needed. */
  unconfirmed(taskId: string, why: string): void {
    if (this.unconfirmedIds.size === 0)
      this.#log.warn({ evt: 'work.refused', taskId, why }, 'a work message was not published; the repair publishes it if it is still owed')
    this.unconfirmedIds.add(taskId)
    this.unconfirmedWhy = why
  }

  /** An attempt of the task has its message, or needs none any more. */
  satisfied(taskId: string, attempt: number): void {
    this.#keep(taskId, (other) => other.attempt > attempt)
  }

  #keep(taskId: string, isKept: (pending: Pending) => boolean): void {
    let kept: Pending | undefined
    for (let one = this.#pending.get(taskId); one; ) {
      const { before } = one
      if (isKept(one)) {
        one.before = kept
        kept = one
      }
      one = before
    }
    if (kept) this.#pending.set(taskId, kept)
    else this.settled(taskId)
  }

  /** The task needs no message any more, or has it. */
  settled(taskId: string): void {
    this.#pending.delete(taskId)
    this.unconfirmedIds.delete(taskId)
  }
}
