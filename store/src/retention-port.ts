import type { RunMode, RunState, RunTrigger } from '@carillon/contracts'
import { fromStored } from './columns.ts'
import type { RunRecord } from './records.ts'
import type { Slice } from './slice.ts'

/**
 * Removal of what has exceeded its retention. A run is removed in three conditional, idempotent steps: it becomes a tombstone, which no
 * other port shows any more; its tasks and steps are deleted; the tombstone is deleted, or stays for as long as an insert of the same id must
 * remain a duplicate. A crash between two steps leaves a tombstone, and `expired` finds it.
 */
export interface RetentionStore {
  /** The first namespace after this one, in order, that has runs or tombstones. */
  nextNamespace(after: string): Promise<string | undefined>
  /** Runs that were created before a time, oldest first. */
  runs(query: AgedRunsQuery): Promise<Slice<AgedRun>>
  /** The `rank`-th newest run of a job, counted from 1; undefined when it has fewer. */
  newest(query: { namespace: string; job: string; rank: number }): Promise<RunPosition | undefined>
  /** For each job where its schedule is; undefined where there is no such job. */
  schedules(jobIds: readonly string[]): Promise<(JobPosition | undefined)[]>
  /**
   * Makes tombstones of those of these runs that are ended, since before `endedBefore`, and have no `wakeAt`. They expire at once. Answers
   * what is a tombstone now.
   */
  markRemoved(query: { ids: readonly string[]; endedBefore: number; at: number }): Promise<Tombstone[]>
  /** Deletes tasks of these runs, `limit` at most; answers how many. */
  removeTasks(query: ChildrenQuery): Promise<number>
  /** Deletes steps of these runs, `limit` at most; answers how many. */
  removeSteps(query: ChildrenQuery): Promise<number>
  countTasks(runIds: readonly string[]): Promise<number>
  countSteps(runIds: readonly string[]): Promise<number>
  tombstones(ids: readonly string[]): Promise<(Tombstone | undefined)[]>
  /** Tombstones whose time has come, earliest first. */
  expired(query: { until: number; shares: readonly number[]; limit: number }): Promise<Tombstone[]>
  /** Tombstones expire then. */
  remember(query: { ids: readonly string[]; until: number }): Promise<void>
  /** Deletes tombstones; answers how many. */
  forget(ids: readonly string[]): Promise<number>
  /** Of the next runs, by id, that have tasks or steps: those that are not there, not even as a tombstone. */
  orphans(query: OrphansQuery): Promise<{ readonly runIds: string[] /** Undefined at the end. */; readonly after?: string }>
}

export interface AgedRunsQuery {
  readonly namespace: string
  /** Default: of any job, and of none. */
  readonly job?: string | undefined
  readonly createdBefore: number
  readonly cursor?: string | undefined
  readonly limit: number
}

export interface ChildrenQuery {
  readonly runIds: readonly string[]
  readonly limit: number
}

export interface OrphansQuery {
  readonly of: 'tasks' | 'steps'
  /** Id of a run. */
  readonly after: string
  /** How many runs to look for. */
  readonly limit: number
}

/** Place of a run among those of its namespace and job. */
export interface RunPosition {
  readonly createdAt: number
  readonly id: string
}

/** How far the schedule of a job is. */
export interface JobPosition {
  readonly id: string
  /** The first slot whose run may not be stored yet; null: none is to come. */
  readonly nextSlotAt: number | null
}

/** What decides whether a run may be removed. */
export interface AgedRun extends RunPosition {
  readonly job: string | null
  readonly state: RunState
  readonly mode: RunMode
  readonly trigger: RunTrigger
  readonly key: string | null
  readonly slot: number | null
  readonly share: number
  readonly endedAt: number | null
  readonly wakeAt: number | null
  /** Of a child run: the task that waits for it. */
  readonly parentTask: string | null
}

/** What is left of a removed run. */
export interface Tombstone {
  readonly id: string
  readonly namespace: string
  readonly job: string | null
  readonly handler: string
  readonly mode: RunMode
  readonly trigger: RunTrigger
  readonly key: string | null
  /** Of a run with a key: the request of its caller, as `RunRecord.asked`. */
  readonly asked: RunRecord['asked']
  readonly endedAt: number
  readonly removedAt: number
  /** When it expires. */
  readonly forgetAt: number
}

/** The stored state of a tombstone: none of the life cycle, so that no conditional write of a run applies to one. */
export const TOMBSTONE_STATE = 'removed'
/** `createdAt` of a tombstone: before every run, so that lists by age end before it. */
export const TOMBSTONE_CREATED_AT = 0

export const AGED_RUN_FIELDS = [
  'id',
  'job',
  'state',
  'mode',
  'trigger',
  'key',
  'slot',
  'share',
  'createdAt',
  'endedAt',
  'wakeAt',
  'parentTask',
] as const satisfies readonly (keyof AgedRun)[]

export const TOMBSTONE_FIELDS = [
  'id',
  'namespace',
  'job',
  'handler',
  'mode',
  'trigger',
  'key',
  'asked',
  'endedAt',
  'removedAt',
  'forgetAt',
] as const satisfies readonly (keyof Tombstone)[]

/** Fields that a tombstone does not keep. */
export const REMOVED_FIELDS = [
  'plan',
  'items',
  'traceparent',
  'by',
  'reason',
  'owner',
  'progress',
  'result',
  'error',
  'startedAt',
  'firstStartedAt',
  'resume',
  'waits',
  'parentTask',
  'refusedBy',
] as const

/** Ids of a run's tasks, and the run's own, are below this, and those of other runs are not between. */
export const endOfTasks = (runId: string) => `${runId}/`

/** The run that a task or step belongs to: ids of both begin with its id, and go on with a hyphen or a dot. */
export const parentOf = (id: string): string => /^[^-.]*/.exec(id)?.[0] ?? id

/** A tombstone from its fields as the engines store them. */
export function tombstoneOf(fields: Readonly<Record<string, unknown>>): Tombstone {
  return { ...fields, asked: fromStored(fields['asked'], 'json') } as Tombstone
}

/** The run, unless the record is a tombstone. */
export function unlessTombstone<Run extends { readonly state: string }>(run: Run | undefined): Run | undefined {
  return run?.state === TOMBSTONE_STATE ? undefined : run
}
