import type { ControllerOf } from '@carillon/runtime'
import type { ChangeNodes } from './change-nodes.ts'

export const workflowController = ({ changeNodes }: { readonly changeNodes: ChangeNodes }) =>
  ({
    answers: {
      runsSkipNode: ({ namespace, input, by }) => changeNodes.skip(namespace, input, by),
      runsSucceedNode: ({ namespace, input, by }) => changeNodes.succeed(namespace, input, by),
      runsStopNode: ({ namespace, input }) => changeNodes.stop(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
