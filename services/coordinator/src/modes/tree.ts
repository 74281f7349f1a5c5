import type { RunHead } from '@carillon/store'
import type { Counts, TreeStage } from './mode.ts'
import { totalOf } from './rules/fan-in.ts'

/** Of a run whose tasks are all of one kind. */
export const oneStage = async ({ mode }: RunHead, counts: Counts): Promise<TreeStage[]> => [{ name: mode, total: totalOf(counts), counts }]
