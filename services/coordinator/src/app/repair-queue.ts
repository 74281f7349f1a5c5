import { SERVICE_CONSUMERS, STREAMS, subjects } from '@carillon/contracts'
import { type Broker, type Clock, type Logger, pause } from '@carillon/runtime'
import type { RunRecord, Store } from '@carillon/store'
import type { WorkPublisher } from './publish-work.ts'

const PAGE = 500
const ASK_WITHIN_MS = 2_000
const BARRIER_WITHIN_MS = 30_000
const BARRIER_POLL_MS = 50

/**
 * Publishes again what the broker should hold and does not. Safe at any time, by any coordinator:
 * a missing message may mean that its task has just ended, so every report that was stored before we asked is awaited before we decide.
 */
export class RepairQueue {
  readonly #store: Store
  readonly #broker: Broker
  readonly #work: WorkPublisher
  readonly #clock: Clock
  readonly #log: Logger

  constructor(options: { store: Store; broker: Broker; work: WorkPublisher; clock: Clock; log: Logger }) {
    this.#store = options.store
    this.#broker = options.broker
    this.#work = options.work
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Looks at all runs that were queued in a span of time; answers how many had to be published again. */
  async span(span: { from: number; before: number; only?: (run: RunRecord) => boolean }, signal: AbortSignal): Promise<number> {
    let published = 0
    let cursor: string | undefined
    do {
      const slice = await this.#store.runs.queued({ from: span.from, before: span.before, cursor, limit: PAGE })
      published += await this.#repair(span.only ? slice.items.filter(span.only) : slice.items, signal)
      cursor = slice.cursor
    } while (cursor && !signal.aborted)
    if (published > 0) this.#log.info({ evt: 'queue.repaired', published }, 'published work again that the broker did not have')
    return published
  }

  /** The same for runs by id. */
  async runs(ids: readonly string[], signal: AbortSignal): Promise<void> {
    for (let i = 0; i < ids.length && !signal.aborted; i += PAGE) {
      const page = ids.slice(i, i + PAGE)
      const runs = await this.#store.runs.get(page)
      for (const [k, run] of runs.entries()) if (!isOwed(run)) this.#work.settled(page[k] as string)
      await this.#repair(runs.filter(isOwed), signal)
    }
  }

  async #repair(candidates: readonly RunRecord[], signal: AbortSignal): Promise<number> {
    const singles = candidates.filter(isOwed)
    const there = await Promise.all(singles.map((run) => this.#hasMessage(run)))
    for (const [i, run] of singles.entries()) if (there[i]) this.#work.settled(run.id)
    const missing = singles.filter((_, i) => !there[i])
    if (missing.length === 0 || !(await this.reportsApplied(signal))) return 0
    const again = await this.#store.runs.get(missing.map((run) => run.id))
    let published = 0
    for (const [i, run] of again.entries()) {
      if (!isOwed(run) || run.attempt !== missing[i]?.attempt) continue
      this.#work.publish(run, { again: true })
      published++
    }
    return published
  }

  async #hasMessage(run: RunRecord): Promise<boolean> {
    const subject = `$JS.API.DIRECT.GET.${STREAMS.WORK.name}.${subjects.work(run.namespace, run.handler, run.id)}`
    const answer = await this.#broker.connection.request(subject, '', { timeout: ASK_WITHIN_MS })
    const status = answer.headers?.code ?? 0
    if (status === 404) return false
    if (status >= 300) throw new Error(`the broker cannot tell whether it has the work of run ${run.id}: ${status}`)
    return true
  }

  /** Waits until every report that is in the stream now has been applied; false when that takes too long. */
  async reportsApplied(signal: AbortSignal): Promise<boolean> {
    const { manager } = this.#broker
    const last = (await manager.streams.info('REPORTS')).state.last_seq
    const until = this.#clock.now() + BARRIER_WITHIN_MS
    while (this.#clock.now() < until) {
      const info = await manager.consumers.info('REPORTS', SERVICE_CONSUMERS.REPORTS)
      if (info.ack_floor.stream_seq >= last || (info.num_pending === 0 && info.num_ack_pending === 0)) return true
      if (!(await pause(this.#clock, BARRIER_POLL_MS, signal))) return false
    }
    return false
  }
}

function isOwed(run: RunRecord | undefined): run is RunRecord {
  return run?.state === 'queued' && run.mode === 'single'
}
