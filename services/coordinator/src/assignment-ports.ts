import type { RunHead, RunRecord } from '@carillon/store'
import type { Decision } from './runs/rules/decision.ts'

/** Assigns new runs to instances that have room for them. Provided by `dispatch/`. */
export interface Assignments {
  /** Before new runs are stored: gives an instance to those that are assigned. */
  assign(runs: readonly RunRecord[]): void
  /** They are stored: tells the instances of those that are assigned. @param knownAt when they were assigned, on the monotonic clock */
  send(runs: readonly RunRecord[], knownAt: number): void
  /** It is not stored. */
  notStored(run: RunRecord): void
  /** A decision about a run that may have been assigned was stored. @param run as it was before */
  written(run: RunHead, decision: Decision): void
  /** The decision about an assigned one whose `wakeAt` has come: its instance has not begun it, or is gone. */
  check(run: RunHead): Decision
  /** Ids of the runs that an instance was assigned by this coordinator, and that have not ended as far as it knows. */
  assignedTo(namespace: string, instance: string): string[]
  /** The instance has left. */
  gone(namespace: string, instance: string): void
}
