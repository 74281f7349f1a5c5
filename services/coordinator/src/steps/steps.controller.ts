import type { ControllerOf } from '@carillon/runtime'
import type { KeepSteps } from './keep-steps.ts'
import type { RunChild } from './run-child.ts'

export const stepsController = ({ keepSteps, runChild }: { readonly keepSteps: KeepSteps; readonly runChild: RunChild }) =>
  ({
    answers: {
      tasksStep: ({ namespace, input }) => keepSteps.store(namespace, input),
      tasksJournal: ({ namespace, input }) => keepSteps.read(namespace, input),
      tasksRun: ({ namespace, input }) => runChild.execute(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
