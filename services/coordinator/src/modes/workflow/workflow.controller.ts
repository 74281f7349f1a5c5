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
      runsSkipNode: ({ namespace, input, ...caller }) => changeNodes.skip(namespace, input, caller),
      runsSucceedNode: ({ namespace, input, ...caller }) => changeNodes.succeed(namespace, input, caller),
      runsApprove: ({ namespace, input, ...caller }) => decideApprovals.decide(namespace, { ...input, decision: 'approved' }, caller),
      runsReject: ({ namespace, input, ...caller }) => decideApprovals.decide(namespace, { ...input, decision: 'rejected' }, caller),
      runsStopNode: ({ namespace, input }) => changeNodes.stop(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
