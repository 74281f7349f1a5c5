import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import { ROLLUP_LEVELS, type Store } from '@carillon/store'
import { KEPT_MS } from '../stats/rules/intervals.ts'
import type { CautiousTime } from './cautious-time.ts'
import { Pace } from './pace.ts'
import { addCounts, NOTHING_REMOVED, type RemovalCounts } from './removal-counts.ts'
import type { RemoveRuns } from './remove-runs.ts'
import type { RetentionPolicy } from './retention-rules.ts'

/** From the end of one sweep to the next: what is removed is a day old. */
const LONGEST_INTERVAL_MS = 60_000
/** A shorter retention is swept more often, so that a run stays about a quarter longer at most. */
const INTERVALS_PER_RETENTION = 4
/** Runs whose orphaned tasks and steps are searched in one sweep. */
const PARENTS_PER_SWEEP = 200
/** Changes of jobs are kept for a year: of jobs that are gone, they are all that is left. */
const CHANGES_MS = 365 * 86_400_000
/** Dead letters wait for a person: what nobody has decided about for so long, nobody will. */
const LETTERS_MS = 365 * 86_400_000
const REMOVED_AT_ONCE = 500
/** One coordinator removes changes and letters, that with the first share. */
const SHARE_OF_THESE = 0

interface Sweep {
  readonly removed: RemovalCounts
  readonly endedAt: number
}

/** Removes what has exceeded its retention: each coordinator in its shares, slowly, for as long as it runs. */
export class Sweeper extends LoopService {
  readonly #remove: RemoveRuns
  readonly #store: Store
  readonly #policy: RetentionPolicy
  readonly #unappliedSince: () => Promise<number>
  readonly #countedUntil: () => Promise<number>
  readonly #shares: () => readonly number[]
  readonly #clock: Clock
  readonly #log: Logger
  readonly #time: CautiousTime
  readonly #orphansAfter = { tasks: '', steps: '' }
  #last: Sweep | Error | undefined

  constructor(options: {
    remove: RemoveRuns
    store: Store
    policy: RetentionPolicy
    unappliedSince: () => Promise<number>
    countedUntil: () => Promise<number>
    shares: () => readonly number[]
    time: CautiousTime
    clock: Clock
    log: Logger
  }) {
    super()
    this.#remove = options.remove
    this.#store = options.store
    this.#policy = options.policy
    this.#unappliedSince = options.unappliedSince
    this.#countedUntil = options.countedUntil
    this.#shares = options.shares
    this.#clock = options.clock
    this.#log = options.log
    this.#time = options.time
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const intervalMs = Math.min(LONGEST_INTERVAL_MS, this.#policy.runMs / INTERVALS_PER_RETENTION)
    while (await pause(this.#clock, intervalMs, signal)) {
      try {
        const removed = await this.#sweep(new Pace(this.#clock, signal))
        this.#last = { removed, endedAt: this.#clock.monotonic() }
        if (removed.runs > 0) this.#log.info({ evt: 'retention.swept', ...removed }, 'runs that were kept for their time were removed')
      } catch (error) {
        if (signal.aborted) return
        this.#last = error as Error
        this.#log.warn({ evt: 'retention.failed', err: error }, 'what was kept for its time could not be removed; trying again')
      }
    }
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'retention.died', err: error }, 'the removal of runs died')
  }

  /** The outcome of the last sweep, as text. @throws Error that ended it */
  describe(): string {
    if (this.#last instanceof Error) throw this.#last
    if (this.#last === undefined) return 'no sweep yet'
    const agoMs = this.#clock.monotonic() - this.#last.endedAt
    return `the last sweep removed ${this.#last.removed.runs} runs, ${Math.round(agoMs / 1_000)} s ago`
  }

  async #sweep(pace: Pace): Promise<RemovalCounts> {
    const pass = {
      policy: this.#policy,
      now: this.#time.now(),
      unappliedSince: await this.#unappliedSince(),
      countedUntil: await this.#countedUntil(),
      shares: new Set(this.#shares()),
    }
    let counts = await this.#remove.expired(pass, pace)
    for (let namespace = await this.#next(''); namespace !== undefined; namespace = await this.#next(namespace)) {
      const ofNamespace = { ...pass, namespace }
      let cursor: string | undefined
      do {
        const page = await this.#remove.page(ofNamespace, { cursor, pace })
        counts = addCounts(counts, page.removed)
        cursor = page.cursor
      } while (cursor !== undefined)
    }
    if (pass.shares.has(SHARE_OF_THESE)) {
      await removeOlder(this.#store.changes, pass.now - CHANGES_MS, pace)
      await removeOlder(this.#store.deadLetters, pass.now - LETTERS_MS, pace)
      const { stats } = this.#store
      // Of what is not counted yet, coarser documents are made of these.
      const until = Math.min(pass.now, pass.countedUntil)
      for (const level of ROLLUP_LEVELS)
        await removeOlder({ removeOlder: (query) => stats.removeOlder({ ...query, level }) }, until - KEPT_MS[level], pace)
    }
    for (const of of ['tasks', 'steps'] as const) counts = addCounts(counts, { ...NOTHING_REMOVED, ...(await this.#orphans(of, pace)) })
    return counts
  }

  /** Records written by a process that was suspended for longer than its run was kept. */
  async #orphans(of: 'tasks' | 'steps', pace: Pace): Promise<{ tasks: number; steps: number }> {
    const query = { of, after: this.#orphansAfter[of], limit: PARENTS_PER_SWEEP }
    const { runIds, after = '' } = await pace.read(() => this.#store.retention.orphans(query))
    this.#orphansAfter[of] = after
    return this.#remove.children(runIds, pace)
  }

  #next(namespace: string): Promise<string | undefined> {
    return this.#store.retention.nextNamespace(namespace)
  }
}

async function removeOlder(from: Pick<Store['changes'], 'removeOlder'>, before: number, pace: Pace): Promise<void> {
  for (let removed = REMOVED_AT_ONCE; removed === REMOVED_AT_ONCE; )
    removed = await pace.write(() => from.removeOlder({ before, limit: REMOVED_AT_ONCE }))
}
