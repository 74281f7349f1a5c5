import { type AuditOrigin, CarillonError, printable, type WorkflowNode } from '@carillon/contracts'

/** The roles that may decide about a node; undefined: it is no approval, or anyone may. */
const approversOf = (node: WorkflowNode | undefined): readonly string[] | undefined =>
  node !== undefined && 'wait' in node && 'approval' in node.wait ? node.wait.approval.by : undefined

/**
 * Deciding about an approval that names roles, also by skipping the node, needs one of them. A name on NATS is a claim; an account is verified by a gateway.
 * @param origin undefined: it comes through no gateway
 * @throws CarillonError FORBIDDEN
 */
export function checkApprover(node: WorkflowNode, origin: AuditOrigin | undefined): void {
  const approvers = approversOf(node)
  if (approvers === undefined || origin?.roles?.some((role) => approvers.includes(role))) return
  const has = origin === undefined ? 'this request comes from no account' : 'this account has none of them'
  throw forbidden(node.id, approvers, has)
}

/** A signal decides about no approval that names roles. @throws CarillonError FORBIDDEN */
export function refuseSignal(node: WorkflowNode | undefined): void {
  const approvers = approversOf(node)
  if (node !== undefined && approvers !== undefined) throw forbidden(node.id, approvers, 'a signal does not decide about it')
}

function forbidden(node: string, approvers: readonly string[], why: string): CarillonError {
  return new CarillonError('FORBIDDEN', `node ${printable(node)} is decided by the roles ${approvers.join(', ')}: ${why}`, {
    field: 'node',
    value: printable(node),
    hint: 'Decide in the console, or by runs.approve over HTTP (`carillon runs approve --url --token`), with an account that has one of the roles.',
  })
}
