import type { RunHead } from '@carillon/store'
import type { Decision } from './decision.ts'
import type { TaskOfRun, Work } from './work.ts'

/** A decision about a run as it was known when deciding. */
export interface RunChange {
  readonly run: RunHead
  readonly decision: Decision
}

/** The same about a task of a fan-out run. */
export interface TaskChange extends TaskOfRun {
  readonly decision: Decision
}

/** A decision about a task, wherever its life is kept. */
export type Change = Work & { readonly decision: Decision }
