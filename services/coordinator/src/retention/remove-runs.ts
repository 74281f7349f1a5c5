import { runIdOfTask } from '@carillon/contracts'
import { meter } from '@carillon/runtime'
import type { AgedRun, RetentionStore, RunPosition, RunStore, Store, Tombstone } from '@carillon/store'
import { LRUCache } from 'lru-cache'
import type { Pace } from './pace.ts'
import { addCounts, NOTHING_REMOVED, type RemovalCounts } from './removal-counts.ts'
import { isAmongNewest, isOver, type RetentionPolicy, rememberedUntil } from './retention-rules.ts'

/** Runs examined or removed in one write: a few milliseconds of an embedded store. */
const PAGE = 100
/** Tasks or steps deleted in one write. */
const CHILDREN = 500
/** Jobs whose oldest kept run is known within a pass. */
const JOBS_KNOWN = 10_000
/** Tombstones expire together that would within this time: one write instead of many. */
const EXPIRE_TOGETHER_MS = 1_000

/** What one pass is about. */
export interface RemovalPass {
  readonly namespace: string
  /** Default: of any job, and of none. */
  readonly job?: string | undefined
  readonly policy: RetentionPolicy
  readonly now: number
  readonly unappliedSince: number
  readonly countedUntil: number
  readonly shares: ReadonlySet<number>
  /** Only count what would be removed. */
  readonly isDry?: boolean
}

/** Removes runs whose retention is over, a page at a time; any number of coordinators may. What a crash leaves undone is found by `expired`. */
export class RemoveRuns {
  readonly #store: RetentionStore
  readonly #runs: RunStore
  /** By pass and job: its oldest kept run. A stale value keeps more runs, never fewer. */
  readonly #kept = new WeakMap<RemovalPass, LRUCache<string, { readonly position: RunPosition | undefined }>>()
  readonly #removed = meter.counter('carillon.retention.removed', 'Records that retention removed')

  constructor(options: { store: Store }) {
    this.#store = options.store.retention
    this.#runs = options.store.runs
  }

  /** Examines the next page of runs, oldest first. Answers what was removed, and the cursor of what follows. */
  async page(pass: RemovalPass, { cursor, pace }: { cursor: string | undefined; pace: Pace }) {
    const slice = await pace.read(() => this.#candidates(pass, cursor))
    const ids = slice.runs.map(({ id }) => id)
    const removed = pass.isDry ? await this.#count(pass, slice.runs) : await this.#remove(pass, ids, pace)
    return { removed, cursor: slice.cursor }
  }

  /** Finishes tombstones that have expired: its own, and those that a crash left. */
  async expired(pass: Pick<RemovalPass, 'policy' | 'now' | 'shares'>, pace: Pace): Promise<RemovalCounts> {
    let counts = NOTHING_REMOVED
    for (let found = PAGE; found === PAGE; ) {
      const query = { until: pass.now, shares: [...pass.shares], limit: PAGE }
      const tombstones = await pace.read(() => this.#store.expired(query))
      counts = addCounts(counts, await this.#finish(tombstones, { ...pass, pace }))
      found = tombstones.length
    }
    return counts
  }

  /** Deletes the tasks and steps of runs that are not there. */
  async children(runIds: readonly string[], pace: Pace): Promise<{ tasks: number; steps: number }> {
    const tasks = await this.#deleteAll((query) => this.#store.removeTasks({ runIds, ...query }), pace)
    const steps = await this.#deleteAll((query) => this.#store.removeSteps({ runIds, ...query }), pace)
    this.#removed.add(tasks, { kind: 'task' })
    this.#removed.add(steps, { kind: 'step' })
    return { tasks, steps }
  }

  async #candidates(pass: RemovalPass, cursor: string | undefined): Promise<{ runs: AgedRun[]; cursor: string | undefined }> {
    const { namespace, now, policy, shares, unappliedSince, countedUntil } = pass
    const slice = await this.#store.runs({ namespace, job: pass.job, createdBefore: now - policy.runMs, cursor, limit: PAGE })
    const mine = slice.items.filter(({ share }) => shares.has(share))
    const names = [...new Set(mine.flatMap(({ job }) => (job === null ? [] : [job])))]
    const schedules = await this.#store.schedules(names.map((name) => `${namespace}/${name}`))
    const jobs = new Map(names.map((name, i) => [name, schedules[i]]))
    const jobOf = (run: AgedRun) => (run.job === null ? undefined : jobs.get(run.job))
    const runs: AgedRun[] = []
    for (const run of mine) {
      const job = jobOf(run)
      if (!isOver(run, { now, unappliedSince, countedUntil, job }, policy)) continue
      // Of a removed job no newest runs are kept: there may be any number of such jobs.
      if (run.job === null || job === undefined || policy.keepPerJob === 0) runs.push(run)
      else if (!isAmongNewest(run, await this.#oldestKept(pass, run.job))) runs.push(run)
    }
    return { runs: await this.#withoutParents(runs), cursor: slice.cursor }
  }

  /** A child run is kept for as long as the run that it is within: that may go on with it. */
  async #withoutParents(runs: readonly AgedRun[]): Promise<AgedRun[]> {
    const parentOf = ({ parentTask }: AgedRun) => (parentTask === null ? undefined : (runIdOfTask(parentTask) ?? parentTask))
    const ids = [...new Set(runs.flatMap((run) => parentOf(run) ?? []))]
    if (ids.length === 0) return [...runs]
    const parents = await this.#runs.heads(ids)
    const kept = new Set(ids.filter((_, i) => parents[i] !== undefined))
    return runs.filter((run) => !kept.has(parentOf(run) ?? ''))
  }

  async #oldestKept(pass: RemovalPass, job: string): Promise<RunPosition | undefined> {
    const known = this.#kept.get(pass) ?? new LRUCache({ max: JOBS_KNOWN })
    this.#kept.set(pass, known)
    const found = known.get(job) ?? {
      position: await this.#store.newest({ namespace: pass.namespace, job, rank: pass.policy.keepPerJob }),
    }
    known.set(job, found)
    return found.position
  }

  async #count({ now, policy }: RemovalPass, runs: readonly AgedRun[]): Promise<RemovalCounts> {
    const ids = runs.map(({ id }) => id)
    const remembered = runs.filter((run) => rememberedUntil({ ...run, endedAt: run.endedAt ?? 0, removedAt: now }, policy) > now)
    return {
      runs: runs.length,
      tasks: await this.#store.countTasks(ids),
      steps: await this.#store.countSteps(ids),
      remembered: remembered.length,
    }
  }

  async #remove(pass: RemovalPass, ids: readonly string[], pace: Pace): Promise<RemovalCounts> {
    if (ids.length === 0) return NOTHING_REMOVED
    const { now, policy } = pass
    const tombstones = await pace.write(() => this.#store.markRemoved({ ids, endedBefore: now - policy.runMs, at: now }))
    this.#removed.add(tombstones.length, { kind: 'run' })
    return { ...(await this.#finish(tombstones, { ...pass, pace })), runs: tombstones.length }
  }

  /** Children first: until they are deleted the tombstone stays, so that they are found. */
  async #finish(tombstones: readonly Tombstone[], { policy, now, pace }: Pick<RemovalPass, 'policy' | 'now'> & { pace: Pace }) {
    if (tombstones.length === 0) return NOTHING_REMOVED
    const { tasks, steps } = await this.children(
      tombstones.map(({ id }) => id),
      pace,
    )
    const [over, remembered] = [[] as string[], new Map<number, string[]>()]
    for (const tombstone of tombstones) {
      const until = rememberedUntil(tombstone, policy)
      if (until <= now) over.push(tombstone.id)
      else {
        const together = Math.ceil(until / EXPIRE_TOGETHER_MS) * EXPIRE_TOGETHER_MS
        remembered.set(together, [...(remembered.get(together) ?? []), tombstone.id])
      }
    }
    for (const [until, ids] of remembered) await pace.write(() => this.#store.remember({ ids, until }))
    if (over.length > 0) this.#removed.add(await pace.write(() => this.#store.forget(over)), { kind: 'tombstone' })
    return { runs: 0, tasks, steps, remembered: tombstones.length - over.length }
  }

  async #deleteAll(remove: (query: { limit: number }) => Promise<number>, pace: Pace): Promise<number> {
    let all = 0
    for (let removed = CHILDREN; removed === CHILDREN; all += removed) removed = await pace.write(() => remove({ limit: CHILDREN }))
    return all
  }
}
