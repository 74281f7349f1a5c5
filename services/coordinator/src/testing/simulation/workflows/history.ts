import { isEnded, isTaskId, type RunState, runIdOfTask } from '@carillon/contracts'
import type { LifeChange, Store, TaskRecord } from '@carillon/store'

/** What was committed for one run, in the order of the writes. */
export class History {
  /** Ids of node tasks, in the order of their creation: place in the order of all writes, and the time of the plan that created them. */
  readonly created = new Map<string, { readonly at: number; readonly plannedAt: number; readonly writtenAt: number }>()
  /** The same for their ends. The time is that of the write. */
  readonly ended = new Map<string, { readonly at: number; readonly time: number; readonly state: RunState }>()
  /** The run, and those that are within it. */
  readonly tree: Set<string>
  /** When signals were stored. */
  readonly arrivals = new Map<string, number>()
  /** Signals that something has taken, whatever became of that. */
  readonly taken = new Set<string>()
  /** When the run began to be cancelled, since it was started or retried. */
  cancelledAt: number | undefined
  /** It was retried to undo what was left, and nothing else. */
  isUndoneAgain = false
  /** When it was paused, and resumed or cancelled, in pairs; the last one may be open. */
  readonly pauses: { readonly from: number; to: number | undefined }[] = []
  /** Tasks that were queued while it was paused, by a decision that was made then. */
  readonly queuedWhilePaused: string[] = []
  #writes = 0
  readonly #runId: string
  readonly #now: () => number

  constructor(options: { runId: string; now: () => number }) {
    this.#runId = options.runId
    this.tree = new Set([options.runId])
    this.#now = options.now
  }

  /** A store whose writes are kept here. */
  watch(store: Store): Store {
    const { runs, tasks, signals } = store
    return {
      ...store,
      runs: replaced(runs, {
        insert: async (records) => {
          const outcomes = await runs.insert(records)
          for (const { id, parentTask } of records) if (parentTask && this.tree.has(runIdOfTask(parentTask) ?? '')) this.tree.add(id)
          return outcomes
        },
        update: async (changes) => this.#updated(changes, await runs.update(changes)),
      }),
      tasks: replaced(tasks, {
        insert: async (records) => {
          const outcomes = await tasks.insert(records)
          for (const [i, task] of records.entries()) if (outcomes[i] === 'created') this.#create(task)
          return outcomes
        },
        update: async (changes) => this.#updated(changes, await tasks.update(changes)),
      }),
      signals: replaced(signals, {
        insert: async (records) => {
          const outcomes = await signals.insert(records)
          for (const [i, { id }] of records.entries()) if (outcomes[i] === 'created') this.arrivals.set(id, this.#now())
          return outcomes
        },
        update: async (changes) => {
          const outcomes = await signals.update(changes)
          for (const [i, { id, set }] of changes.entries()) if (outcomes[i] === 'applied' && set.takenBy != null) this.taken.add(id)
          return outcomes
        },
      }),
      describe: () => store.describe(),
    }
  }

  #create(task: TaskRecord): void {
    if (!this.tree.has(task.runId)) return
    this.created.set(task.id, { at: ++this.#writes, plannedAt: task.queuedAt ?? task.startedAt ?? 0, writtenAt: this.#now() })
    this.#ends(task.id, task.state)
  }

  #updated<Outcome>(changes: readonly LifeChange[], outcomes: Outcome[]): Outcome[] {
    for (const [i, { id, set }] of changes.entries()) {
      if (outcomes[i] !== 'applied' || set.state === undefined) continue
      if (id === this.#runId && set.state === 'queued') {
        this.cancelledAt = undefined
        this.isUndoneAgain = set.compensation === 'again'
      }
      if (id === this.#runId) this.#pausing(set.state, set.wakeAt ?? this.#now())
      else if (set.state === 'queued' && id.startsWith(`${this.#runId}-`)) this.#queued(id, set.queuedAt ?? 0)
      if (id === this.#runId && (set.state === 'cancelling' || set.state === 'cancelled')) this.cancelledAt ??= this.#now()
      if (isTaskId(id)) this.#ends(id, set.state)
    }
    return outcomes
  }

  /** @param decidedAt of a resume: from then on times go on */
  #pausing(state: RunState, decidedAt: number): void {
    const last = this.pauses.at(-1)
    if (state === 'paused') this.pauses.push({ from: this.#now(), to: undefined })
    else if (last && last.to === undefined) last.to = Math.max(last.from, Math.min(decidedAt, this.#now()))
  }

  /** A coordinator that has decided in the same moment did not know of it. */
  #queued(id: string, decidedAt: number): void {
    const last = this.pauses.at(-1)
    if (last && last.to === undefined && decidedAt > last.from) this.queuedWhilePaused.push(id)
  }

  /** Whether it was paused then, and before. */
  isPausedAt(time: number): boolean {
    return this.pauses.some(({ from, to = Number.POSITIVE_INFINITY }) => time > from && time < to)
  }

  /** For how long it was paused in pauses that began when the task was open. */
  pausedSince(taskId: string): number {
    const writtenAt = this.created.get(taskId)?.writtenAt ?? 0
    const endedAt = this.ended.get(taskId)?.time ?? Number.POSITIVE_INFINITY
    return this.pauses.reduce(
      (sum, { from, to = from }) => sum + (from > writtenAt && from < endedAt ? Math.min(to, endedAt) - from : 0),
      0,
    )
  }

  #ends(id: string, state: RunState): void {
    if (isEnded(state)) this.ended.set(id, { at: ++this.#writes, time: this.#now(), state })
  }
}

/** An object of which some methods are replaced. All others run on the object itself, which has private fields. */
export function replaced<Target extends object>(target: Target, other: Partial<Target>): Target {
  return new Proxy(target, {
    get(of, name) {
      if (Object.hasOwn(other, name)) return other[name as keyof Target]
      const member = of[name as keyof Target]
      return typeof member === 'function' ? member.bind(of) : member
    },
  })
}
