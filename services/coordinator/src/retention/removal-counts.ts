/** What was removed, by kind; of a dry run what would be. */
export interface RemovalCounts {
  readonly runs: number
  readonly tasks: number
  readonly steps: number
  /** Of the removed runs: those whose id or key stays taken for a time. */
  readonly remembered: number
}

export const NOTHING_REMOVED: RemovalCounts = { runs: 0, tasks: 0, steps: 0, remembered: 0 }

export function addCounts(a: RemovalCounts, b: RemovalCounts): RemovalCounts {
  return { runs: a.runs + b.runs, tasks: a.tasks + b.tasks, steps: a.steps + b.steps, remembered: a.remembered + b.remembered }
}
