import type { RunHead } from '@carillon/store'
import type { Decision } from './decision.ts'
import type { TaskOfRun, Work } from './work.ts'

/** A decision about a run, with the state that it was based on. */
export interface RunChange {
  readonly run: RunHead
  readonly decision: Decision
}

/** The same about a task of a fan-out run. */
export interface TaskChange extends TaskOfRun {
  readonly decision: Decision
}

/** A decision about a task, in the record that holds its life. */
export type Change = Work & { readonly decision: Decision }
