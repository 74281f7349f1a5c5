import type { TreeNode } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAction, useCall } from '../../../api/use-call.ts'
import { useMessages } from '../../../language/language-context.tsx'
import { RoleButton } from '../../../parts/button.tsx'
import { Field, TextInput } from '../../../parts/field.tsx'
import { ProblemNote } from '../../../parts/states.tsx'
import { useDecides } from '../../../session/session.ts'
import { ACTION_ROLE } from './action-rules.ts'
import styles from './approvals.module.css'

const rolesOf = (node: TreeNode) => (node.awaits !== undefined && 'approval' in node.awaits ? node.awaits.approval : undefined)

/** The nodes of a workflow that wait until someone decides. */
export function Approvals({ runId }: { readonly runId: string }): ReactNode {
  const { run } = useMessages()
  const { data } = useCall('runsTree', { runId })
  const waiting = (data?.nodes ?? []).filter((node) => rolesOf(node) !== undefined && node.decided === undefined)
  if (waiting.length === 0) return null
  return (
    <section className={styles['approvals']} aria-label={run.approvals}>
      {waiting.map((node) => (
        <Approval key={`${node.id} ${node.generation}`} runId={runId} node={node} />
      ))}
    </section>
  )
}

const STALE = ['runsTree', 'runsGet', 'runsWhy'] as const

function Approval({ runId, node }: { readonly runId: string; readonly node: TreeNode }): ReactNode {
  const { run, session } = useMessages()
  const [note, setNote] = useState('')
  const approve = useAction('runsApprove', STALE)
  const reject = useAction('runsReject', STALE)
  const roles = rolesOf(node) ?? []
  const may = useDecides(roles)
  const input = { runId, node: node.id, generation: node.generation, ...(note === '' ? {} : { note }) }
  const error = approve.error ?? reject.error
  const isPending = approve.isPending || reject.isPending
  const button = { role: ACTION_ROLE, disabled: isPending || !may, ...(may ? {} : { title: session.needsRole(roles.join(' / ')) }) }
  return (
    <div className={styles['approval']}>
      <div>
        <strong>{node.id}</strong>
        <p className="muted">{run.approvalRoles(roles.length === 0 ? run.anyone : roles.join(', '))}</p>
      </div>
      <Field label={run.note} isLabelHidden>
        <TextInput placeholder={run.note} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      </Field>
      <RoleButton {...button} look="main" onClick={() => approve.mutate(input)}>
        {run.actions.approve}
      </RoleButton>
      <RoleButton {...button} onClick={() => reject.mutate(input)}>
        {run.actions.reject}
      </RoleButton>
      {error !== null && <ProblemNote error={error} />}
    </div>
  )
}
