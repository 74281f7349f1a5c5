import type { RunTrigger } from '@carillon/contracts'
import type { Plan, StreamPlace } from '@carillon/store'

/** What fired a run by its end, and the jobs that led to it. */
export interface Cause {
  readonly parent: string
  readonly chain: readonly string[]
  /** How many jobs may have fired one another. Default: the limit of those that follow one another by their ends. */
  readonly atMost?: number
}

/** The task that waits for the end of a child run. */
export interface ParentTask {
  readonly taskId: string
  /** The jobs of the runs that the child is within, the outermost first. */
  readonly ancestors: readonly string[]
  /** The chain of the run that the child is within: what it fires is part of it. */
  readonly chain?: readonly string[] | undefined
  /** The try of a retry that the run is part of which it is within. */
  readonly withinRetry?: string | undefined
  /** The context that a workflow begins with. */
  readonly context?: Readonly<Record<string, unknown>> | undefined
  /** The child has so many tasks: their items are those that the task keeps. */
  readonly list?: Plan | undefined
}

/** A request for one run, not yet checked. */
export interface StartItem {
  readonly namespace: string
  readonly request: unknown
  /** About how many it has as JSON. */
  readonly bytes: number
  readonly trigger: RunTrigger
  readonly traceparent: string | undefined
  /** Who requests it, as that party names itself. */
  readonly by?: string | undefined
  /** The id of a run whose request has an identity of its own. */
  readonly id?: string
  readonly cause?: Cause
  /** Of a child run. */
  readonly parent?: ParentTask
  /** Of a message: where its stream has it. */
  readonly published?: StreamPlace
}
