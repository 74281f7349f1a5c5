import type { RunHead } from '@carillon/store'

/** What child runs mean for the tasks of handlers that wait for them. Provided by `steps/`. */
export interface ParentTasks {
  /** Resolves when the tasks that wait for these ended runs go on. @throws a transient error: then the ends are repeated */
  childrenEnded(runs: readonly RunHead[]): Promise<void>
  /** The run, or tasks of it, are being cancelled or have ended so: so are the child runs of these. Returns at once; a failure is logged. */
  cancelled(runId: string): void
}
