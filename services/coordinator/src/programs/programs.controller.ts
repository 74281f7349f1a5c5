import type { ControllerOf } from '@carillon/runtime'
import type { ListPrograms } from './list-programs.ts'
import type { MoveRuns } from './move-runs.ts'

export const programsController = ({ listPrograms, moveRuns }: { readonly listPrograms: ListPrograms; readonly moveRuns: MoveRuns }) =>
  ({
    answers: {
      versionsList: ({ namespace, input }) => listPrograms.execute(namespace, input),
      runsMove: ({ namespace, input }) => moveRuns.execute(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
