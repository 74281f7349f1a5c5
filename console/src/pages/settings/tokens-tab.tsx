import type { Role } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAccess, useAccessChange } from '../../api/use-access.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../parts/dialog.tsx'
import { Field, Select, TextInput } from '../../parts/field.tsx'
import { Section } from '../../parts/page.tsx'
import { EmptyState, ErrorState, LoadingState, ProblemNote } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { AbsoluteTime, RelativeTime } from '../../time/time.tsx'
import { problemsByField } from '../job/use-save-job.ts'
import layout from '../layout.module.css'
import { type Rights, RightsFields } from './rights-fields.tsx'

interface Token {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly payloads: boolean
  readonly createdBy?: { readonly name: string }
  readonly createdAt: string
  readonly expiresAt?: string
  readonly usedAt?: string
}

export function TokensTab(): ReactNode {
  const { settings: texts, session } = useMessages()
  const { data, error, refetch } = useAccess<{ readonly items: readonly Token[] }>('/tokens?limit=1000')
  const [isNew, setNew] = useState(false)
  const [removed, setRemoved] = useState<Token>()
  const remove = useAccessChange()
  const columns: Column<Token>[] = [
    { key: 'name', title: texts.name, cell: ({ name }) => name },
    { key: 'role', title: texts.role, cell: ({ role }) => session.roles[role] },
    { key: 'payloads', title: texts.payloads, isSecondary: true, cell: ({ payloads }) => (payloads ? texts.yes : texts.no) },
    {
      key: 'by',
      title: texts.createdBy,
      isSecondary: true,
      cell: ({ createdBy, createdAt }) => (
        <>
          {createdBy?.name} <RelativeTime at={createdAt} />
        </>
      ),
    },
    { key: 'used', title: texts.used, cell: ({ usedAt }) => (usedAt === undefined ? texts.never : <RelativeTime at={usedAt} />) },
    {
      key: 'expires',
      title: texts.expires,
      cell: ({ expiresAt }) => (expiresAt === undefined ? texts.never : <AbsoluteTime at={expiresAt} />),
    },
    {
      key: 'actions',
      title: texts.actions,
      cell: (token) => (
        <RoleButton role="admin" size="small" onClick={() => setRemoved(token)}>
          {texts.remove}
        </RoleButton>
      ),
    },
  ]
  return (
    <Section
      title={texts.tabs.tokens}
      side={
        <RoleButton role="admin" look="main" onClick={() => setNew(true)}>
          {texts.newToken}
        </RoleButton>
      }
    >
      {error !== null && data === undefined && <ErrorState error={error} onRetry={() => refetch().catch(() => undefined)} />}
      {data === undefined && error === null && <LoadingState />}
      {data?.items.length === 0 && <EmptyState title={texts.noTokens} />}
      {data !== undefined && data.items.length > 0 && (
        <Table name={texts.tabs.tokens} columns={columns} rows={data.items} idOf={({ id }) => id} />
      )}
      {isNew && <TokenDialog onClose={() => setNew(false)} />}
      {removed !== undefined && (
        <ConfirmDialog
          isOpen
          onClose={() => setRemoved(undefined)}
          title={texts.removeTitle(removed.name)}
          action={texts.remove}
          isDangerous
          isPending={remove.isPending}
          error={remove.error}
          onConfirm={() =>
            remove.mutate(
              { method: 'DELETE', path: `/tokens/${encodeURIComponent(removed.id)}` },
              { onSuccess: () => setRemoved(undefined) },
            )
          }
        >
          {texts.removeTokenText}
        </ConfirmDialog>
      )}
    </Section>
  )
}

const EXPIRIES = ['7', '30', '90', '365', ''] as const

function TokenDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { settings: texts, parts } = useMessages()
  const [name, setName] = useState('')
  const [rights, setRights] = useState<Rights>({ role: 'operator', payloads: false })
  const [days, setDays] = useState<string>('90')
  const create = useAccessChange<{ readonly token: string }>()
  const problem = problemsByField(create.error).get('name')
  if (create.data !== undefined)
    return (
      <Dialog isOpen onClose={onClose} title={texts.newToken} isWide>
        <p>{texts.tokenText}</p>
        <p className={layout['secret']}>
          <span data-secret="token">{create.data.token}</span>
          <CopyButton text={create.data.token} />
        </p>
        <DialogActions>
          <Button look="main" onClick={onClose}>
            {texts.haveCopied}
          </Button>
        </DialogActions>
      </Dialog>
    )
  const submit = () =>
    create.mutate({ method: 'POST', path: '/tokens', body: { name, ...rights, ...(days === '' ? {} : { expiresInDays: Number(days) }) } })
  return (
    <Dialog isOpen onClose={onClose} title={texts.newToken}>
      <form
        className={layout['stack']}
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <Field label={texts.name} hint={texts.tokenNameHint} {...(problem === undefined ? {} : { problem })}>
          <TextInput value={name} onChange={(event) => setName(event.currentTarget.value)} />
        </Field>
        <RightsFields rights={rights} onChange={setRights} />
        <Field label={texts.expires}>
          <Select
            value={days}
            options={EXPIRIES.map((value) => ({ value, label: value === '' ? texts.never : texts.days(Number(value)) }))}
            onChange={(event) => setDays(event.currentTarget.value)}
          />
        </Field>
        {create.error !== null && <ProblemNote error={create.error} />}
        <DialogActions>
          <Button onClick={onClose}>{parts.cancel}</Button>
          <Button look="main" type="submit" disabled={create.isPending || name.trim() === ''}>
            {texts.createToken}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
