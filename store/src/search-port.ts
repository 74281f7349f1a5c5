import type { RunState, RunTrigger } from '@carillon/contracts'
import type { LogRecord } from './log-records.ts'
import type { RunHead } from './records.ts'
import type { PageQuery, Slice } from './slice.ts'

/** The runs that all given filters accept. An index serves them down to `states`. */
export interface RunFilter {
  readonly namespace: string
  readonly job?: string | undefined
  readonly states?: readonly RunState[] | undefined
  /** What the order, `since` and `until` are about. Default `createdAt`. `endedAt`: of `states` that are unsuccessful ends, which it requires. */
  readonly time?: 'createdAt' | 'endedAt' | undefined
  /** At this time or later. */
  readonly since?: number | undefined
  /** Before this time. */
  readonly until?: number | undefined
  /** Of one of these handlers. */
  readonly handlers?: readonly string[] | undefined
  readonly triggers?: readonly RunTrigger[] | undefined
  readonly owners?: readonly string[] | undefined
  /** Exactly this is in the key, in a text of the error, or in the JSON of a payload of up to 4,096 characters: a longer one is not read. */
  readonly text?: string | undefined
}

export interface RunListQuery extends PageQuery, RunFilter {
  /** Default: newest. */
  readonly order?: 'newest' | 'oldest' | undefined
}

export interface RunCountQuery extends RunFilter {
  readonly cursor?: string | undefined
  readonly atMost: number
}

/** A part of a list, and, if more follows, the time of the last run that was read. */
export interface RunSlice extends Slice<RunHead> {
  readonly reached?: number
}

export type RunCount = Pick<RunSlice, 'cursor' | 'reached'> & { readonly count: number }

export interface LogQuery extends PageQuery {
  readonly namespace: string
  readonly runId: string
  readonly instance?: string | undefined
  /** At this time or later. */
  readonly since?: number | undefined
  /** Before this time. */
  readonly until?: number | undefined
  readonly taskId?: string | undefined
  readonly levels?: readonly LogRecord['level'][] | undefined
  /** Lines whose message or fields contain exactly this. */
  readonly text?: string | undefined
  readonly order: 'oldest' | 'newest'
}

export interface LogSearchQuery extends PageQuery {
  readonly namespace: string
  readonly instance?: string | undefined
  readonly levels?: readonly LogRecord['level'][] | undefined
  /** Lines whose message or fields contain exactly this. */
  readonly text?: string | undefined
  /** At this time or later. */
  readonly since?: number | undefined
  /** Before this time. */
  readonly until?: number | undefined
}

/** Lines, and, if more follow, the time of the last one that was read. */
export interface LogSlice extends Slice<LogRecord> {
  readonly reached?: number
}
