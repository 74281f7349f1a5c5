import { SERVICE_CONSUMERS, STREAMS, TIMES } from '@carillon/contracts'
import { type Broker, type Clock, type Logger, pause } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { KNOWN_FOR_MS } from '../dispatch/rules/known-for.ts'
import { type LifeKind, readLives, readPage } from '../lives.ts'
import type { Reports, StoredWork, UnconfirmedWork } from '../ports.ts'
import { consumerOf, needsMessage, subjectOf, type Work } from '../runs/rules/work.ts'

const PAGE = 500
/** Longer than a report waits that was delivered to a coordinator which died or could not acknowledge it. */
const BARRIER_WITHIN_MS = TIMES.ackWaitMs + 15_000
const BARRIER_POLL_MS = 50
/**
 * What began less than 200 ms before the broker ended, and what has ended while it was away, is not in stream REPORTS. Executors report it when
 * they have reconnected, within about a second; if it were published before that, a task would run twice.
 */
export const EXECUTORS_RECONNECT_MS = 3_000
/** Between the clocks of two coordinators, which both follow that of the store. */
const CLOCKS_DIFFER_MS = 1_000

export interface Span {
  readonly from: number
  readonly before: number
  /** Default: all. */
  readonly shares?: ReadonlySet<number>
  /** Their writer is dead: nobody else is about to publish them. */
  readonly isOrphaned?: true
}

/** Where a pass over a span is: first the runs, then the tasks. */
export interface Position {
  readonly of: LifeKind
  readonly cursor?: string
}
export const BEGIN: Position = { of: 'runs' }

/**
 * Publishes again what the broker should hold and does not. Safe at any time, by any coordinator:
 * a missing message may mean that its task has just ended, so every report that was stored before the query is applied before the decision.
 */
export class RepairQueue implements Reports {
  readonly #store: Store
  readonly #broker: Broker
  readonly #work: UnconfirmedWork
  readonly #stream: StoredWork
  readonly #clock: Clock
  readonly #log: Logger
  /** Tasks that another coordinator has just queued, and may be about to publish: they are compared later. */
  readonly postponed = new Set<string>()
  /** On the monotonic clock: from then on executors have reported what they run. */
  #knownAgainAt = Number.NEGATIVE_INFINITY

  constructor(options: {
    store: Store
    broker: Broker
    work: UnconfirmedWork
    storedWork: StoredWork
    clock: Clock
    log: Logger
  }) {
    this.#store = options.store
    this.#broker = options.broker
    this.#work = options.work
    this.#stream = options.storedWork
    this.#clock = options.clock
    this.#log = options.log
  }

  /** The broker or this process was restarted: nothing is repaired before executors have had time to report what they run, and what has ended. */
  executorsReconnect(): void {
    this.#knownAgainAt = this.#clock.monotonic() + EXECUTORS_RECONNECT_MS
  }

  /** Compares all tasks that were queued in a span of time with the stream; answers how many were published again. @throws Error when that cannot be decided yet */
  async span(span: Span, signal: AbortSignal): Promise<number> {
    let published = 0
    for (let at: Position | undefined = BEGIN; at && !signal.aborted; ) {
      const page = await this.page(at, span, signal)
      published += page.published
      at = page.next
    }
    return published
  }

  /** The same for the tasks of one page; a span is passed over by as many as it takes. @throws Error as `span` */
  async page(at: Position, span: Span, signal: AbortSignal): Promise<{ published: number; next: Position | undefined }> {
    const query = { from: span.from, before: span.before, cursor: at.cursor, limit: PAGE }
    const isOurs = ({ share }: { share: number }) => span.shares?.has(share) ?? true
    const page = await readPage(this.#store, at.of, (lives) => lives.queued(query))
    const works = page.items.filter((work) => work && isOurs(work.task))
    const published = await this.#repair(works, signal)
    if (span.isOrphaned) await this.#publishOrphans(works, signal)
    if (published > 0) this.#log.info({ evt: 'queue.repaired', published }, 'published work again that the broker did not have')
    if (page.cursor !== undefined) return { published, next: { of: at.of, cursor: page.cursor } }
    return { published, next: at.of === 'runs' ? { of: 'tasks' } : undefined }
  }

  /**
   * How many messages the stream lacks at least: tasks that were queued before a time against all it holds, which may also belong to running tasks.
   * While reports wait to be applied their tasks seem to lack a message: then there is no answer, unless a rough count will do.
   * A stream that lost blocks while its server runs still counts their subjects and refuses them for ever; only a purge resets that.
   */
  async lacking(before: number, isRough: boolean): Promise<number | undefined> {
    const { manager } = this.#broker
    // In this order: the report of a message that has been removed by now is in the stream, or applied.
    const { messages, num_subjects: subjects = 0 } = (await manager.streams.info(STREAMS.WORK.name)).state
    if (subjects > messages) {
      this.#log.error(
        { evt: 'queue.blocks-lost', messages, subjects },
        'stream WORK lost blocks and refuses what was in them; it is emptied',
      )
      await manager.streams.purge(STREAMS.WORK.name)
      return subjects
    }
    if (!isRough && (await manager.streams.info(STREAMS.REPORTS.name)).state.messages > 0) return undefined
    const [runs, tasks] = await Promise.all([this.#store.runs.queuedCount({ before }), this.#store.tasks.queuedCount({ before })])
    return Math.max(runs + tasks - messages, 0)
  }

  /** The same for tasks by id; the only task of a single run has the run's. */
  async byId(ids: readonly string[], signal: AbortSignal): Promise<void> {
    for (let i = 0; i < ids.length && !signal.aborted; i += PAGE) {
      const page = ids.slice(i, i + PAGE)
      const works = await readLives(this.#store, page)
      for (const [k, work] of works.entries()) {
        this.postponed.delete(page[k] as string)
        if (!needsMessage(work)) this.#work.settled(page[k] as string)
      }
      await this.#repair(works, signal)
    }
  }

  async #repair(candidates: readonly (Work | undefined)[], signal: AbortSignal): Promise<number> {
    const queued = candidates.filter(needsMessage).filter((work) => !this.#isLeftToItsWriter(work))
    const missing = await this.#withoutMessage(queued)
    if (missing.length === 0) return 0
    if (!(await this.reportsApplied(signal))) {
      if (signal.aborted) return 0
      // The caller tries again: to give up silently would leave missing messages to the auditor, for minutes.
      throw new Error(`${missing.length} tasks have no message, and whether they are done is not known: reports wait to be applied`)
    }
    return this.#publishMissing(missing, { signal, again: true })
  }

  /** A task that its writer is about to publish is not lost: a second message would run it twice if it came after the first one was done. */
  #isLeftToItsWriter({ task }: Work): boolean {
    const { id, queuedAt } = task
    if (this.#work.willPublish(id)) return true
    if (this.#work.expects(id)) return !this.#work.unconfirmedIds.has(id)
    const ageMs = this.#clock.now() - (queuedAt ?? 0)
    // One far in the future was written by a clock that has been set back since.
    const isYoung = ageMs < KNOWN_FOR_MS + CLOCKS_DIFFER_MS && ageMs > -KNOWN_FOR_MS
    if (isYoung) this.postponed.add(id)
    return isYoung
  }

  /** Those of which the stream has no message, or one that its consumer will never deliver: that one is deleted. */
  async #withoutMessage(queued: readonly Work[]): Promise<Work[]> {
    const acknowledged = new Map<string, number>()
    for (const { run } of queued) {
      const consumer = consumerOf(run)
      if (!acknowledged.has(consumer)) acknowledged.set(consumer, await this.#stream.acknowledgedUpTo(consumer))
    }
    const sequences = await this.#stream.sequences(queued.map(subjectOf))
    const missing: Work[] = []
    for (const work of queued) {
      const sequence = sequences.get(subjectOf(work))
      const isDelivered = sequence !== undefined && sequence > (acknowledged.get(consumerOf(work.run)) ?? 0)
      if (isDelivered) this.#work.settled(work.task.id)
      else missing.push(work)
      if (!isDelivered && sequence !== undefined) await this.#stream.delete(sequence)
    }
    return missing
  }

  /**
   * Young tasks are left to their writer. If that is dead, they are published as it would have done it, under the same message id: the broker drops
   * them if it did, also of tasks that were done since. Should another coordinator be their writer, the same holds.
   */
  async #publishOrphans(candidates: readonly (Work | undefined)[], signal: AbortSignal): Promise<void> {
    const orphans = candidates.filter(needsMessage).filter(({ task }) => this.postponed.has(task.id))
    await this.#publishMissing(await this.#withoutMessage(orphans), { signal, again: false })
  }

  async #publishMissing(missing: readonly Work[], { signal, again }: { signal: AbortSignal; again: boolean }): Promise<number> {
    let published = 0
    for (let i = 0; i < missing.length && !signal.aborted; ) {
      const { works, knownAt } = await this.#work.readNext(missing.slice(i).map(({ task }) => task.id))
      for (const work of works) {
        const isSame = work?.task.attempt === missing[i++]?.task.attempt
        if (!needsMessage(work) || !isSame) continue
        this.#work.publish(work, { again, knownAt })
        published++
      }
    }
    return published
  }

  /** Waits until every report that is in the stream now, and those that executors send when they reconnect, has been applied; false when that takes too long. */
  async reportsApplied(signal: AbortSignal, withinMs = BARRIER_WITHIN_MS): Promise<boolean> {
    const { manager } = this.#broker
    const until = this.#clock.monotonic() + withinMs
    const pendingForMs = this.#knownAgainAt - this.#clock.monotonic()
    if (pendingForMs > 0 && !(await pause(this.#clock, Math.min(pendingForMs, withinMs), signal))) return false
    const last = (await manager.streams.info('REPORTS')).state.last_seq
    while (this.#clock.monotonic() < until) {
      const info = await manager.consumers.info('REPORTS', SERVICE_CONSUMERS.REPORTS)
      if (info.ack_floor.stream_seq >= last || (info.num_pending === 0 && info.num_ack_pending === 0)) return true
      if (!(await pause(this.#clock, BARRIER_POLL_MS, signal))) return false
    }
    return false
  }
}
