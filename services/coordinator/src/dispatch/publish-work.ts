import { setImmediate as nextTurn } from 'node:timers/promises'
import { isTaskId, subjects } from '@carillon/contracts'
import type { Broker, Clock, Logger, StreamPublisher } from '@carillon/runtime'
import type { RunHead, RunRecord, Store, TaskRecord } from '@carillon/store'
import { isFanOut } from '../modes/rules/fan-out.ts'
import { workText } from '../runs/rules/views.ts'
import { OwedWork } from './owed-work.ts'
import type { Work } from './work-stream.ts'
import { WorkStream } from './work-stream.ts'

/** The stream has a message on this subject already: what we wanted. */
const SUBJECT_TAKEN = 10077

/** Repairs of one run in the same span of time are one. */
const REPAIR_SPAN_MS = 30_000

/** What is on its way to the broker at most. Beyond it a task is remembered by its id, and read again when there is room. */
const MOST_BYTES = 16 * 1024 * 1024
/** The same for what is large: what is small is not to wait behind it. */
const MOST_LARGE_BYTES = 2 * 1024 * 1024
const LARGE_BYTES = 16 * 1024
/** What is on its way while something is read again: little, because what others publish meanwhile comes after it. */
const BULK_BYTES = 2 * 1024 * 1024
/** Read at once, of that. */
const READ_BYTES = 2 * 1024 * 1024
const READ_AT_MOST = 200
/**
 * What was known to be queued longer ago than this may have been taken over, published and done meanwhile: this process stood still. Shorter than
 * the silence after which a coordinator is dead, less one heartbeat.
 */
export const KNOWN_FOR_MS = 3_000

/** Tasks that are remembered by their ids; whoever makes many of them waits for fewer. */
const OWED_AT_MOST = 10_000

/** The same with what is to be told to who does it. */
export interface WholeWork {
  readonly run: RunRecord
  readonly task: RunRecord | TaskRecord
}

/** A write that queues a task, whose message the broker has not accepted yet. */
export interface Expectation {
  readonly taskId: string
  readonly attempt: number
  readonly queuedAt: number
  /** On the monotonic clock: when the write began. */
  readonly since: number
  /** Another write that queues the same task, still under way. */
  before: Expectation | undefined
}

interface PublishOptions {
  /**
   * The broker was asked and has no message: its memory of the message id must not keep this one away, but one of several coordinators that repair
   * at the same time is enough.
   */
  readonly again: boolean
  /** On the monotonic clock: since when the task is known to be queued. Default: the beginning of the write that queued it. */
  readonly knownAt?: number
}

/**
 * Publishes the work message of queued tasks that anyone may take, and knows which the broker has not accepted yet. What is at hand goes out at
 * once. What is not, and what there is no room for, is read from the store when there is: a few at a time, of each run in turn.
 */
export class WorkPublisher {
  readonly #store: Store
  readonly #stream: WorkStream
  readonly #publisher: StreamPublisher
  readonly #clock: Clock
  readonly #log: Logger
  /** By task: the newest of the writes that queue it. */
  readonly #unaccepted = new Map<string, Expectation>()
  /** Tasks whose publish was refused or had no answer; the repair looks at them. */
  readonly refused = new Set<string>()
  /** The newest refusal, in words. */
  refusedWhy = ''
  readonly #owed = new OwedWork()
  #isReading = false

  constructor(options: { store: Store; broker: Broker; publisher: StreamPublisher; clock: Clock; log: Logger }) {
    this.#store = options.store
    this.#stream = new WorkStream(options.broker)
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
    const expectation = { taskId: id, attempt, queuedAt: queuedAt ?? 0, since, before: this.#unaccepted.get(id) }
    this.#unaccepted.set(id, expectation)
    return expectation
  }

  /** Nothing was written: nothing is owed for it. */
  release(expectation: Expectation | undefined): void {
    if (expectation) this.#keep(expectation.taskId, (other) => other !== expectation)
  }

  /** Whether something was written is not known: the repair looks. */
  doubt(expectation: Expectation | undefined): void {
    if (!expectation) return
    this.refused.add(expectation.taskId)
    this.refusedWhy = 'the store did not say whether it was written'
  }

  /**
   * Publishing again is harmless while the task is queued: a subject holds one message, and the message id is that of (task, attempt). Once it
   * has been done, the broker remembers neither.
   */
  publish(work: Work, options: PublishOptions = { again: false }): void {
    if (isWhole(work) && this.#hasRoom(work)) this.#publishWhole(work, options)
    else this.#publishLater(work.task.id, options)
  }

  /** Whether a task is still to be read and published here. */
  willPublish(taskId: string): boolean {
    return this.#owed.has(taskId)
  }

  /** Whether this coordinator has queued a task, and has no answer for its message. */
  expects(taskId: string): boolean {
    return this.#unaccepted.has(taskId)
  }

  /** Resolves when the tasks that are still to be read and published are few. Whoever makes many waits for it before he makes more. */
  room(): Promise<void> {
    return this.#owed.room(OWED_AT_MOST)
  }

  #hasRoom(work: WholeWork): boolean {
    return this.#publisher.outstandingBytes < (bytesOf(work) > LARGE_BYTES ? MOST_LARGE_BYTES : MOST_BYTES)
  }

  #publishWhole(
    work: WholeWork,
    { again, knownAt = this.#unaccepted.get(work.task.id)?.since ?? this.#clock.monotonic() }: PublishOptions,
  ): void {
    const { id, attempt, reason } = work.task
    if (again) this.#send(work, `${id}.${attempt}.again.${Math.floor(this.#clock.now() / REPAIR_SPAN_MS)}`, knownAt)
    else if (attempt === 1 && reason !== 'released') this.#send(work, `${id}.1`, knownAt)
    else this.#replace(work, knownAt).catch((error: unknown) => this.refuse(id, String(error)))
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
    else if (reason === 'released') return this.refuse(id, 'it was released, and its message is gone: it may have been done since')
    this.#send(work, `${id}.${attempt}.${queuedAt}`, knownAt)
  }

  #publishLater(taskId: string, options: { again: boolean }): void {
    this.#owed.add(taskId, options)
    if (this.#isReading) return
    this.#isReading = true
    this.#publishOwed().catch((error: unknown) =>
      this.#log.error({ evt: 'work.unread', err: error }, 'work could not be read to be published; the audit finds it'),
    )
  }

  async #publishOwed(): Promise<void> {
    try {
      for (let owed = this.#owed.next(READ_AT_MOST); owed.size > 0; owed = this.#owed.next(READ_AT_MOST)) await this.#publishNext(owed)
    } finally {
      // At once: what is added from now on finds nobody who reads.
      this.#isReading = false
    }
  }

  async #publishNext(owed: ReadonlyMap<string, { readonly again: boolean }>): Promise<void> {
    const ids = [...owed.keys()]
    const { works, knownAt } = await this.readNext(ids).catch((error: unknown) => {
      for (const id of ids) this.refuse(id, String(error))
      return { works: ids.map(() => undefined), knownAt: 0 }
    })
    for (const [i, [id, options]] of [...owed].entries()) {
      const work = works[i]
      const attempt = work?.task.attempt
      if (i >= works.length) this.#owed.add(id, options)
      else if (isOwed(work)) this.#publishWhole(work, { ...options, knownAt })
      else if (attempt !== undefined) this.satisfied(id, attempt)
      else if (!this.refused.has(id)) this.settled(id)
    }
  }

  /**
   * Waits until there is room to publish more, and reads the first of these tasks with all that their messages carry: as many as there is room
   * for, one in any case. The only task of a single run has the run's id. What is not there is undefined.
   * @returns also when they were read, on the monotonic clock
   */
  async readNext(ids: readonly string[]): Promise<{ works: (WholeWork | undefined)[]; knownAt: number }> {
    await nextTurn()
    await this.#publisher.room(BULK_BYTES)
    const knownAt = this.#clock.monotonic()
    return { works: await this.#read(ids.slice(0, READ_AT_MOST), READ_BYTES), knownAt }
  }

  async #read(ids: readonly string[], maxBytes: number): Promise<(WholeWork | undefined)[]> {
    const { runs, tasks } = this.#store
    const found = new Map<string, TaskRecord | undefined>()
    const taskIds = ids.filter(isTaskId)
    for (const [i, task] of (await tasks.get(taskIds, maxBytes)).entries()) found.set(taskIds[i] as string, task)
    const runIds = [...new Set(ids.map((id) => (isTaskId(id) ? (found.get(id)?.runId ?? '') : id)))].filter((id) => id !== '')
    const foundRuns = new Map((await runs.get(runIds, maxBytes)).map((run, i) => [runIds[i] as string, run]))
    const works: (WholeWork | undefined)[] = []
    let bytes = 0
    for (const id of ids) {
      const task = isTaskId(id) ? found.get(id) : foundRuns.get(id)
      const runId = task && ('runId' in task ? task.runId : task.id)
      const isRead = isTaskId(id) ? found.has(id) && (runId === undefined || foundRuns.has(runId)) : foundRuns.has(id)
      const run = runId === undefined ? undefined : foundRuns.get(runId)
      const work = task && run && { run, task }
      // A message carries the payload of the run as well: many tasks may share one.
      if (work) bytes += bytesOf(work)
      if (!isRead || (bytes > maxBytes && works.length > 0)) break
      works.push(work)
    }
    return works
  }

  /** Takes a task's message out of the stream, if it is there. */
  async withdraw({ run, task }: Work): Promise<void> {
    await this.#stream.remove({ run, task })
  }

  /** The same for all tasks of a run with many. */
  async withdrawAll(run: RunHead): Promise<void> {
    await this.#stream.removeAll(run)
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

  /** What may have been done meanwhile is left to the repair. */
  #isOld(knownAt: number, taskId: string): boolean {
    const isOld = this.#clock.monotonic() - knownAt > KNOWN_FOR_MS
    if (isOld) this.refuse(taskId, 'it may have been done while this process stood still')
    return isOld
  }

  #send({ run, task }: WholeWork, messageId: string, knownAt: number): void {
    if (this.#isOld(knownAt, task.id)) return
    const subject = subjects.work(run.namespace, run.handler, task.id)
    const message = { subject, body: workText(run, task), messageId, traceparent: run.traceparent ?? undefined }
    this.#publisher.publish(message, (refusal) => {
      if (!refusal || refusal.code === SUBJECT_TAKEN) this.satisfied(task.id, task.attempt)
      else this.refuse(task.id, refusal.message)
    })
  }

  /** The broker did not take its message, or it must be read again before: the repair publishes it if it is still owed. */
  refuse(taskId: string, why: string): void {
    if (this.refused.size === 0)
      this.#log.warn({ evt: 'work.refused', taskId, why }, 'a work message was not published; the repair publishes it if it is still owed')
    this.refused.add(taskId)
    this.refusedWhy = why
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

const bytesOf = ({ run, task }: WholeWork) => run.payload.length + ('item' in task ? (task.item?.length ?? 0) : 0)

/** What was remembered without them has them as undefined. */
function isWhole(work: Work): work is WholeWork {
  const { run, task }: { run: Partial<RunRecord>; task: Partial<RunRecord> | Partial<TaskRecord> } = work
  return run.payload !== undefined && ('runId' in task ? task.item !== undefined : 'payload' in task && task.payload !== undefined)
}

/** Whether the broker should have a message of it. */
export function isOwed<Kind extends Work>(work: Kind | undefined): work is Kind {
  if (work?.task.state !== 'queued') return false
  return 'runId' in work.task ? work.task.target === null && work.run.state === 'running' : !isFanOut(work.run)
}
