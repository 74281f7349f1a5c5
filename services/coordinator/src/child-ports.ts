import type { RunHead } from '@carillon/store'

/** What child runs mean for the tasks of handlers that wait for them, and what becomes of them with the runs that they are within. Provided by `steps/`. */
export interface ParentTasks {
  /** Resolves when the tasks that wait for these ended runs go on. @throws a transient error: then the ends are repeated */
  childrenEnded(runs: readonly RunHead[]): Promise<void>
  /**
   * The run, or tasks of it, did not succeed, are being cancelled, were paused or resumed: its child runs follow. Returns at once; a failure is logged, and repaired by the `wakeAt` of
   * these.
   */
  changed(runId: string): void
  /** Child runs are to begin: not while the runs that they are within are paused. Returns at once. */
  begin(children: readonly RunHead[]): void
  /** The same for those whose `wakeAt` has come. Answers the ids of those of which anything was to be done. @throws a transient error */
  check(children: readonly RunHead[]): Promise<readonly string[]>
}
