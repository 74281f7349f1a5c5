import type { Role } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAccess, useAccessChange } from '../../api/use-access.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../parts/dialog.tsx'
import { Field, TextInput } from '../../parts/field.tsx'
import { Section } from '../../parts/page.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { ErrorState, LoadingState, ProblemNote } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { AbsoluteTime } from '../../time/time.tsx'
import layout from '../layout.module.css'
import { type Rights, RightsFields } from './rights-fields.tsx'

interface Member extends Rights {
  /** Roles of approvals. */
  readonly approves: readonly string[]
  readonly id: string
  readonly name: string
  /** Of every namespace. */
  readonly everywhere?: true
  readonly signsInBy?: 'password' | 'provider'
}
interface MadeLink {
  readonly url: string
  readonly expiresAt: string
}

export function MembersTab(): ReactNode {
  const { settings: texts, session } = useMessages()
  const { data, error, refetch } = useAccess<{ readonly items: readonly Member[] }>('/members')
  const [dialog, setDialog] = useState<
    { readonly kind: 'invite' } | { readonly kind: 'change' | 'remove' | 'reset'; readonly member: Member }
  >()
  const close = () => setDialog(undefined)
  const columns: Column<Member>[] = [
    { key: 'name', title: texts.name, cell: ({ name }) => name },
    { key: 'role', title: texts.role, cell: ({ role, approves }) => [session.roles[role], ...approves].join(', ') },
    { key: 'payloads', title: texts.payloads, cell: ({ payloads }) => (payloads ? texts.yes : texts.no) },
    {
      key: 'where',
      title: texts.where,
      isSecondary: true,
      cell: ({ everywhere }) => (everywhere ? <Badge tone="calm">{texts.everywhere}</Badge> : texts.here),
    },
    {
      key: 'actions',
      title: texts.actions,
      cell: (member) => (
        <span className={layout['buttons']}>
          <RoleButton role="admin" size="small" onClick={() => setDialog({ kind: 'change', member })}>
            {texts.change}
          </RoleButton>
          <RoleButton role="admin" size="small" onClick={() => setDialog({ kind: 'reset', member })}>
            {texts.reset}
          </RoleButton>
          <RoleButton role="admin" size="small" onClick={() => setDialog({ kind: 'remove', member })}>
            {texts.remove}
          </RoleButton>
        </span>
      ),
    },
  ]
  return (
    <Section
      title={texts.tabs.members}
      side={
        <RoleButton role="admin" look="main" onClick={() => setDialog({ kind: 'invite' })}>
          {texts.invite}
        </RoleButton>
      }
    >
      {error !== null && data === undefined && <ErrorState error={error} onRetry={() => refetch().catch(() => undefined)} />}
      {data === undefined && error === null && <LoadingState />}
      {data !== undefined && <Table name={texts.tabs.members} columns={columns} rows={data.items} idOf={({ id }) => id} />}
      {dialog?.kind === 'invite' && <LinkDialog title={texts.invite} path="/members" onClose={close} />}
      {dialog?.kind === 'reset' && <ResetDialog member={dialog.member} onClose={close} />}
      {dialog?.kind === 'change' && <ChangeDialog member={dialog.member} onClose={close} />}
      {dialog?.kind === 'remove' && <RemoveDialog member={dialog.member} onClose={close} />}
    </Section>
  )
}

/** A link that works once: shown once, for it is a secret. */
function LinkDialog({ title, path, onClose }: { readonly title: string; readonly path: string; readonly onClose: () => void }): ReactNode {
  const { settings: texts, parts } = useMessages()
  const [rights, setRights] = useState<Rights>({ role: 'viewer', payloads: true })
  const make = useAccessChange<MadeLink>()
  if (make.data !== undefined)
    return (
      <Dialog isOpen onClose={onClose} title={title} isWide>
        <MadeLinkNote link={make.data} />
        <DialogActions>
          <Button onClick={onClose}>{parts.close}</Button>
        </DialogActions>
      </Dialog>
    )
  return (
    <Dialog isOpen onClose={onClose} title={title}>
      <p>{texts.inviteText}</p>
      <RightsFields rights={rights} onChange={setRights} />
      {make.error !== null && <ProblemNote error={make.error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button look="main" disabled={make.isPending} onClick={() => make.mutate({ method: 'POST', path, body: rights })}>
          {texts.makeLink}
        </Button>
      </DialogActions>
    </Dialog>
  )
}

function MadeLinkNote({ link: { url, expiresAt } }: { readonly link: MadeLink }): ReactNode {
  const { settings: texts } = useMessages()
  return (
    <div className={layout['stack']}>
      <p>{texts.linkText}</p>
      <p className={layout['secret']}>
        <span data-secret="link">{url}</span>
        <CopyButton text={url} />
      </p>
      <p className={layout['small']}>
        {texts.expires} <AbsoluteTime at={expiresAt} />
      </p>
    </div>
  )
}

function ResetDialog({ member, onClose }: { readonly member: Member; readonly onClose: () => void }): ReactNode {
  const { settings: texts, parts } = useMessages()
  const reset = useAccessChange<MadeLink>()
  if (reset.data === undefined)
    return (
      <ConfirmDialog
        isOpen
        onClose={onClose}
        title={texts.resetTitle(member.name)}
        action={texts.makeLink}
        isPending={reset.isPending}
        error={reset.error}
        onConfirm={() => reset.mutate({ method: 'POST', path: `/members/${encodeURIComponent(member.id)}/reset` })}
      >
        {texts.resetText}
      </ConfirmDialog>
    )
  return (
    <Dialog isOpen onClose={onClose} title={texts.resetTitle(member.name)} isWide>
      <MadeLinkNote link={reset.data} />
      <DialogActions>
        <Button onClick={onClose}>{parts.close}</Button>
      </DialogActions>
    </Dialog>
  )
}

const namesIn = (text: string) => [...new Set(text.split(/[\s,]+/).filter((name) => name !== ''))]

function ChangeDialog({ member, onClose }: { readonly member: Member; readonly onClose: () => void }): ReactNode {
  const { parts, settings: texts } = useMessages()
  const [rights, setRights] = useState<Rights>({ role: member.role as Role, payloads: member.payloads })
  const [approves, setApproves] = useState(member.approves.join(', '))
  const change = useAccessChange()
  const save = () =>
    change.mutate(
      { method: 'PUT', path: `/members/${encodeURIComponent(member.id)}`, body: { ...rights, approves: namesIn(approves) } },
      { onSuccess: onClose },
    )
  return (
    <Dialog isOpen onClose={onClose} title={member.name}>
      <RightsFields rights={rights} onChange={setRights} />
      <Field label={texts.approves} hint={texts.approvesHint}>
        <TextInput value={approves} onChange={(event) => setApproves(event.currentTarget.value)} />
      </Field>
      {change.error !== null && <ProblemNote error={change.error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button look="main" disabled={change.isPending} onClick={save}>
          {parts.save}
        </Button>
      </DialogActions>
    </Dialog>
  )
}

function RemoveDialog({ member, onClose }: { readonly member: Member; readonly onClose: () => void }): ReactNode {
  const { settings: texts } = useMessages()
  const remove = useAccessChange()
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={texts.removeTitle(member.name)}
      action={texts.remove}
      isDangerous
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ method: 'DELETE', path: `/members/${encodeURIComponent(member.id)}` }, { onSuccess: onClose })}
    >
      {texts.removeText}
    </ConfirmDialog>
  )
}
