import type { ControllerOf } from '@carillon/runtime'
import type { ClaimTask } from './claim-task.ts'

export const dispatchController = ({ claimTask }: { readonly claimTask: ClaimTask }) =>
  ({
    answers: { tasksClaim: ({ namespace, input }) => claimTask.execute(namespace, input) },
  }) satisfies ControllerOf<'coordinator'>
