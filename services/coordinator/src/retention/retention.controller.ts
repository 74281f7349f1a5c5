import type { ControllerOf } from '@carillon/runtime'
import type { PruneRuns } from './prune-runs.ts'

export const retentionController = ({ pruneRuns }: { readonly pruneRuns: PruneRuns }) =>
  ({
    answers: { runsPrune: ({ namespace, input }) => pruneRuns.execute(namespace, input) },
  }) satisfies ControllerOf<'coordinator'>
