import type { ControllerOf } from '@carillon/runtime'
import type { ChangeNodes } from './change-nodes.ts'
import type { DecideApprovals } from './decide-approvals.ts'

export const workflowController = ({
  changeNodes,
  decideApprovals,
}: {
  readonly changeNodes: ChangeNodes
  readonly decideApprovals: DecideApprovals
}) =>
  ({
    answers: {
      runsSkipNode: ({ namespace, input, by }) => changeNodes.skip(namespace, input, by),
      runsSucceedNode: ({ namespace, input, by }) => changeNodes.succeed(namespace, input, by),
      runsApprove: ({ namespace, input, by }) => decideApprovals.decide(namespace, { ...input, decision: 'approved' }, by),
      runsReject: ({ namespace, input, by }) => decideApprovals.decide(namespace, { ...input, decision: 'rejected' }, by),
      runsStopNode: ({ namespace, input }) => changeNodes.stop(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
