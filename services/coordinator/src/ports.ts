import type { TaskOfRun } from './runs/tasks-of-runs.ts'

/** What carries a `wakeAt`. */
export type WakeKind = 'jobs' | 'runs' | 'tasks'

/** Wakes what is due soon. What is due later is found in the store. */
export interface Timers {
  arm(kind: WakeKind, due: { readonly id: string; readonly wakeAt: number }): void
}

/** Pushes fan-out runs as far as they can go. */
export interface Reconciler {
  /** Called from where nobody waits. */
  soon(runId: string): void
}

/** Offers tasks to the instances that they are routed to. */
export interface Offers {
  /** Called from where nobody waits. */
  soon(leg: TaskOfRun): void
}
