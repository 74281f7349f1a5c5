import type { EndedState, Reason, RunMode, RunState, StatsMarkKind } from '@carillon/contracts'

/** The widths of the intervals that are counted. */
export const ROLLUP_LEVELS = ['minute', 'quarter', 'hour', 'day'] as const
export type RollupLevel = (typeof ROLLUP_LEVELS)[number]

/** How long something took, of many runs. */
export interface Distribution {
  readonly count: number
  readonly sumMs: number
  readonly maxMs: number
  /** How many fell into each bin: that of n ms is ceil(ln n / ln 1.04), of less than 1 ms 0. */
  readonly bins: Readonly<Record<string, number>>
}

/** The last of some measurements, when it was made, and the highest. */
export interface GaugeValue {
  readonly at: number
  readonly last: number
  readonly max: number
}

/** Failures that have the same fingerprint. */
export interface ErrorValue {
  readonly name: string
  readonly message: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  readonly job: string | null
  readonly handler: string
  readonly runId: string
}

/** A change of a job, or a version that a service came with. */
export interface ChangeValue {
  readonly at: number
  readonly kind: StatsMarkKind
  readonly job?: string
  readonly revision?: number
  readonly by?: string
  readonly service?: string
  readonly version?: string
  readonly handlers?: readonly string[]
}

/** What is counted of an interval. Everything but gauges and changes is added up. */
export interface RollupValues {
  readonly states: Readonly<Partial<Record<EndedState, number>>>
  readonly reasons: Readonly<Partial<Record<Reason, number>>>
  readonly started: number
  readonly retries: number
  readonly late: number
  readonly run: Distribution
  readonly wait: Distribution
  readonly lateness: Distribution
  /** By fingerprint. */
  readonly errors: Readonly<Record<string, ErrorValue>>
  /** By name. */
  readonly gauges: Readonly<Record<string, GaugeValue>>
  /** By what identifies them: one that is read twice is the same. Absent: none. */
  readonly changes?: Readonly<Record<string, ChangeValue>>
}

/** What ended in one interval, of a job, a handler or everything in a namespace. */
export interface RollupRecord {
  /** See `rollupId`. */
  readonly id: string
  readonly namespace: string
  /** `*`, `job:<name>`, or of runs without a job `handler:<name>`. */
  readonly scope: string
  readonly level: RollupLevel | 'mark'
  /** When the interval begins, in UTC. */
  readonly start: number
  /** When the stream was made whose events are counted: another one has other sequences. */
  readonly stream: number
  /** The fence: every event up to this sequence is counted, none behind it. */
  readonly upTo: number
  /** Grows with each write. */
  readonly revision: number
  readonly ended: number
  /** Failed, timed out or expired. */
  readonly failed: number
  /** Of `values.run`, where they can be added up without reading it. */
  readonly runCount: number
  readonly runSumMs: number
  readonly runMaxMs: number
  readonly values: RollupValues
}

/** A stretch of one scope, added up. */
export type RollupSum = Pick<RollupRecord, 'scope' | 'ended' | 'failed' | 'runCount' | 'runSumMs' | 'runMaxMs'>

/** What is read of an open run or task to count it. */
export interface OpenRun {
  readonly id: string
  readonly namespace: string
  readonly job: string | null
  readonly handler: string
  readonly mode: RunMode
  readonly state: RunState
  readonly reason: Reason | null
  readonly gate: string | null
  readonly gateKey: string | null
  readonly queuedAt: number | null
  readonly createdAt: number
}
export interface OpenTask {
  readonly id: string
  readonly namespace: string
  readonly runId: string
  readonly state: RunState
  readonly queuedAt: number | null
}

const DIGITS = 13
/** Ids of one scope and level sort by time. */
export const rollupId = ({ namespace, scope, level, start }: Pick<RollupRecord, 'namespace' | 'scope' | 'level' | 'start'>) =>
  `${namespace}/${level}/${scope}/${String(start).padStart(DIGITS, '0')}`
