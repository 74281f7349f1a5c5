import { LIMITS } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { OpenRun, OpenTask, Store } from '@carillon/store'
import { isFanOut } from '../modes/rules/fan-out.ts'
import { OPEN_AT_MOST, type OpenLife } from './rules/queues.ts'

/** What is read of one kind at once: SQLite blocks this thread for a millisecond or two. */
const AGE_MS = 2_000

/** What is open in every namespace. */
export interface Open {
  readonly lives: readonly OpenLife[]
  /** There are more than were read. */
  readonly isCapped: boolean
  readonly at: number
}

/**
 * Reads what waits and runs, for calls, charts and metrics: by indexes of these alone, up to a cap, and once for all that ask within two seconds. What is queued is read first and
 * last: a run that begins between two reads is in the first one, one that is queued in the last.
 */
export class OpenWork {
  readonly #store: Pick<Store, 'stats' | 'runs'>
  readonly #clock: Clock
  #last: { readonly open: Promise<Open>; readonly at: number } | undefined

  constructor(options: { store: Pick<Store, 'stats' | 'runs'>; clock: Clock }) {
    this.#store = options.store
    this.#clock = options.clock
  }

  read(): Promise<Open> {
    const now = this.#clock.monotonic()
    if (this.#last && now - this.#last.at < AGE_MS) return this.#last.open
    const open = this.#read()
    const last = { open, at: now }
    this.#last = last
    open.catch(() => {
      if (this.#last === last) this.#last = undefined
    })
    return open
  }

  async #read(): Promise<Open> {
    const at = this.#clock.now()
    const { stats } = this.#store
    let isCapped = false
    // By id: one may be of several kinds, such as a queued one with a time limit, which is due as well; or change from one to another meanwhile.
    const runs = new Map<string, OpenRun>()
    for (const by of ['queued', 'due', 'waiting', 'paused', 'queued'] as const) {
      const some = await stats.openRuns({ by, limit: OPEN_AT_MOST })
      isCapped ||= some.length === OPEN_AT_MOST
      for (const run of some) runs.set(run.id, run)
    }
    const tasks = new Map<string, OpenTask>()
    for (const by of ['queued', 'due', 'queued'] as const) {
      const some = await stats.openTasks({ by, limit: OPEN_AT_MOST })
      isCapped ||= some.length === OPEN_AT_MOST
      for (const task of some) tasks.set(task.id, task)
    }
    const lives = [...runs.values()].map(lifeOf)
    const handlers = await this.#handlers([...new Set([...tasks.values()].map(({ runId }) => runId))])
    for (const task of tasks.values()) {
      const handler = handlers.get(task.runId)
      if (handler !== undefined)
        lives.push({ ...task, handler, job: null, reason: null, gate: null, gateKey: null, since: task.queuedAt ?? at, isTask: true })
    }
    return { lives, isCapped, at }
  }

  async #handlers(runIds: readonly string[]): Promise<Map<string, string>> {
    const handlers = new Map<string, string>()
    for (let i = 0; i < runIds.length; i += LIMITS.runsPerCall)
      for (const run of await this.#store.runs.heads(runIds.slice(i, i + LIMITS.runsPerCall))) if (run) handlers.set(run.id, run.handler)
    return handlers
  }
}

/** Of a fan-out run the tasks are what an instance runs. */
const lifeOf = (run: OpenRun): OpenLife => ({ ...run, runId: run.id, since: run.queuedAt ?? run.createdAt, isTask: !isFanOut(run) })
