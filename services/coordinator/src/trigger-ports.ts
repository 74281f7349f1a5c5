import type { EventTrigger, ParentJob } from '@carillon/contracts'
import type { Expression } from '@carillon/expressions'
import type { RunHead } from '@carillon/store'
import type { EndedRun } from './runs/rules/views.ts'

/** Jobs that are fired by the ends of runs of others. Provided by `triggers/`. */
export interface Children {
  /** Whether any of these ended runs may have children. */
  concerns(runs: readonly RunHead[]): boolean
  /** Resolves when their children are stored. @throws a transient error: the ends are repeated */
  start(runs: readonly EndedRun[]): Promise<void>
}

/** Retries of calls that were given up. Provided by `dead-letters/`. */
export interface DeadLetters {
  /** Whether the end of a run makes a letter, or ends one. */
  concerns(run: RunHead): boolean
  /** Resolves when what follows from these ends is stored. @throws a transient error: the ends are repeated */
  follow(runs: readonly RunHead[]): Promise<void>
}

/** What fires a job beside its schedule. Provided by `triggers/`. */
export interface TriggerChecks {
  /** Makes what reads the events of a job that is about to be stored. @throws CarillonError INVALID_REQUEST of events that cannot be read, or a job that would start itself */
  check(namespace: string, job: TriggeredDefinition): Promise<void>
  /** Makes nothing. @throws CarillonError INVALID_REQUEST of events that cannot be read */
  checkEvents(namespace: string, subject: string): Promise<void>
}

export interface TriggeredDefinition {
  readonly name: string
  readonly on?: EventTrigger | undefined
  readonly afterJobs?: readonly ParentJob[] | undefined
}

/** Compiled expressions of event triggers. Provided by `jobs/`. */
export interface EventExpressions {
  readonly filter: { get(text: string): Expression<'boolean'> }
  readonly map: { get(text: string): Expression<'value'> }
}
