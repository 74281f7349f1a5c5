import type { RunHead } from '@carillon/store'
import { totalOf } from './fan-in.ts'
import type { Counts, TreeStage } from './mode.ts'

/** Of a run whose tasks are all of one kind. */
export const oneStage = async ({ mode }: RunHead, counts: Counts): Promise<TreeStage[]> => [{ name: mode, total: totalOf(counts), counts }]
