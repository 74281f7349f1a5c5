import type { ControllerOf } from '@carillon/runtime'
import type { KeepSteps } from './keep-steps.ts'

export const stepsController = ({ keepSteps }: { readonly keepSteps: KeepSteps }) =>
  ({
    answers: {
      tasksStep: ({ namespace, input }) => keepSteps.store(namespace, input),
      tasksJournal: ({ namespace, input }) => keepSteps.read(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
