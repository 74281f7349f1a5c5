import type { LifeHead, Refusals, RunHead } from '@carillon/store'
import type { Work } from './runs/rules/work.ts'

/** Which programs live instances have. Provided by `programs/`. */
export interface Programs {
  /** Whether some live instance that offers the handler of a task may not have it: then it is not given out by the queue. */
  isSelective(run: Pick<RunHead, 'namespace' | 'handler'>, life: BoundLife): boolean
  /** Whether an instance is known not to have the program of a task. */
  isForeign(work: Work, instance: string): boolean
  /** What an instance that gives a task back for a reason adds to those that have; undefined: no other one may take it, or it was given back too often. */
  refusals(work: Work, from: { instance: string; reason: 'program-changed' | 'payload-refused' }): GivenBack
  /** Why no live instance that offers the handler may have a task; undefined: one may, or none offers it. */
  whyNone(work: Work): string | undefined
}

/** The fields of a life that say which program may go on with it. */
export type BoundLife = Pick<LifeHead, 'program' | 'refusedBy'>

/** Who has given a task back, and whether another instance may take it now. */
export interface GivenBack {
  readonly refusedBy: Refusals
  readonly isTakenElsewhere: boolean
}
