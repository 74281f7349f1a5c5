import { isTaskId, SERVICE_CONSUMERS, STREAMS, subjects, TIMES } from '@carillon/contracts'
import { type Broker, type Clock, type Logger, pause } from '@carillon/runtime'
import type { LifeStore, RunRecord, Store, TaskRecord } from '@carillon/store'
import type { Work, WorkPublisher } from './publish-work.ts'
import type { TaskWriter } from './write-tasks.ts'

const PAGE = 500
const ASK_WITHIN_MS = 2_000
/** Longer than a report waits that was delivered to a coordinator which died or could not acknowledge it. */
const BARRIER_WITHIN_MS = TIMES.ackWaitMs + 15_000
const BARRIER_POLL_MS = 50

interface Span {
  readonly from: number
  readonly before: number
  /** Default: all. */
  readonly shares?: ReadonlySet<number>
}

/**
 * Publishes again what the broker should hold and does not. Safe at any time, by any coordinator:
 * a missing message may mean that its task has just ended, so every report that was stored before we asked is awaited before we decide.
 */
export class RepairQueue {
  readonly #store: Store
  readonly #tasks: TaskWriter
  readonly #broker: Broker
  readonly #work: WorkPublisher
  readonly #clock: Clock
  readonly #log: Logger

  constructor(options: { store: Store; tasks: TaskWriter; broker: Broker; work: WorkPublisher; clock: Clock; log: Logger }) {
    this.#store = options.store
    this.#tasks = options.tasks
    this.#broker = options.broker
    this.#work = options.work
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Looks at all tasks that were queued in a span of time; answers how many had to be published again. @throws Error when that cannot be known yet */
  async span(span: Span, signal: AbortSignal): Promise<number> {
    const published =
      (await this.#pages(this.#store.runs, span, { signal, works: async (runs) => runs.map(only) })) +
      (await this.#pages(this.#store.tasks, span, { signal, works: (tasks) => this.#tasks.withRuns(tasks) }))
    if (published > 0) this.#log.info({ evt: 'queue.repaired', published }, 'published work again that the broker did not have')
    return published
  }

  /** The same for tasks by id; the only task of a single run has the run's. */
  async these(ids: readonly string[], signal: AbortSignal): Promise<void> {
    for (let i = 0; i < ids.length && !signal.aborted; i += PAGE) {
      const page = ids.slice(i, i + PAGE)
      const works = await this.#read(page)
      for (const [k, work] of works.entries()) if (!isOwed(work)) this.#work.settled(page[k] as string)
      await this.#repair(works, signal)
    }
  }

  async #pages<Item extends RunRecord | TaskRecord>(
    store: LifeStore<Item>,
    span: Span,
    { signal, works }: { signal: AbortSignal; works: (items: readonly Item[]) => Promise<(Work | undefined)[]> },
  ): Promise<number> {
    let published = 0
    let cursor: string | undefined
    do {
      const slice = await store.queued({ from: span.from, before: span.before, cursor, limit: PAGE })
      const { shares } = span
      published += await this.#repair(await works(shares ? slice.items.filter(({ share }) => shares.has(share)) : slice.items), signal)
      cursor = slice.cursor
    } while (cursor && !signal.aborted)
    return published
  }

  async #repair(candidates: readonly (Work | undefined)[], signal: AbortSignal): Promise<number> {
    const owed = candidates.filter(isOwed)
    const there = await Promise.all(owed.map((work) => this.#hasMessage(work)))
    for (const [i, { task }] of owed.entries()) if (there[i]) this.#work.settled(task.id)
    const missing = owed.filter((_, i) => !there[i])
    if (missing.length === 0) return 0
    if (!(await this.reportsApplied(signal))) {
      if (signal.aborted) return 0
      // Whoever asked tries again: to give up without a word would leave what is owed to the auditor, for minutes.
      throw new Error(`${missing.length} tasks have no message, and whether they are done is not known: reports wait to be applied`)
    }
    const again = await this.#read(missing.map(({ task }) => task.id))
    let published = 0
    for (const [i, work] of again.entries()) {
      if (!isOwed(work) || work.task.attempt !== missing[i]?.task.attempt) continue
      this.#work.publish(work, { again: true })
      published++
    }
    return published
  }

  async #read(ids: readonly string[]): Promise<(Work | undefined)[]> {
    const runIds = ids.filter((id) => !isTaskId(id))
    const taskIds = ids.filter(isTaskId)
    const [runs, tasks] = await Promise.all([this.#store.runs.get(runIds), this.#tasks.known(taskIds)])
    return ids.map((id) => (isTaskId(id) ? tasks[taskIds.indexOf(id)] : only(runs[runIds.indexOf(id)])))
  }

  async #hasMessage({ run, task }: Work): Promise<boolean> {
    const subject = `$JS.API.DIRECT.GET.${STREAMS.WORK.name}.${subjects.work(run.namespace, run.handler, task.id)}`
    const answer = await this.#broker.connection.request(subject, '', { timeout: ASK_WITHIN_MS })
    const status = answer.headers?.code ?? 0
    if (status === 404) return false
    if (status >= 300) throw new Error(`the broker cannot tell whether it has the work of task ${task.id}: ${status}`)
    return true
  }

  /** Waits until every report that is in the stream now has been applied; false when that takes too long. */
  async reportsApplied(signal: AbortSignal, withinMs = BARRIER_WITHIN_MS): Promise<boolean> {
    const { manager } = this.#broker
    const last = (await manager.streams.info('REPORTS')).state.last_seq
    const until = this.#clock.monotonic() + withinMs
    while (this.#clock.monotonic() < until) {
      const info = await manager.consumers.info('REPORTS', SERVICE_CONSUMERS.REPORTS)
      if (info.ack_floor.stream_seq >= last || (info.num_pending === 0 && info.num_ack_pending === 0)) return true
      if (!(await pause(this.#clock, BARRIER_POLL_MS, signal))) return false
    }
    return false
  }
}

/** The only task of a single run. */
function only(run: RunRecord | undefined): Work | undefined {
  return run && { run, task: run }
}

function isOwed(work: Work | undefined): work is Work {
  if (work?.task.state !== 'queued') return false
  return 'runId' in work.task ? work.task.target === null && work.run.state === 'running' : work.run.mode === 'single'
}
