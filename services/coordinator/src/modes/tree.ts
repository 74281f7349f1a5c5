import type { RunHead } from '@carillon/store'
import type { Counts, Tree } from './mode.ts'
import { totalOf } from './rules/fan-in.ts'

/** Of a run whose tasks are all of one kind. */
export const oneStage = async ({ mode }: RunHead, counts: Counts): Promise<Tree> => ({
  stages: [{ name: mode, total: totalOf(counts), counts }],
})
