import { type ReactNode, useState } from 'react'
import { asProblem } from '../../api/problem.ts'
import { useAccess, useAccessChange } from '../../api/use-access.ts'
import { useMessages } from '../../language/language-context.tsx'
import { RoleButton } from '../../parts/button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { ConfirmDialog } from '../../parts/dialog.tsx'
import { Section } from '../../parts/page.tsx'
import { ErrorState, LoadingState, ProblemNote } from '../../parts/states.tsx'
import { useMay } from '../../session/session.ts'
import { RelativeTime } from '../../time/time.tsx'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'

interface Webhook {
  readonly url: string
  readonly secrets: readonly { readonly id: string; readonly createdAt: string }[]
}

/** The URL that fires the job, for systems elsewhere, and the secrets that sign their requests. */
export function WebhookTab({ job }: { readonly job: string }): ReactNode {
  const { job: texts, session } = useMessages()
  const mayRead = useMay('developer')
  return (
    <Section title={texts.tabs.webhook}>
      <div className={layout['padded']}>
        <p>{texts.webhookText}</p>
        {mayRead ? <Secrets job={job} /> : <p className={layout['note']}>{session.needsRole(session.roles.developer)}</p>}
      </div>
    </Section>
  )
}

function Secrets({ job }: { readonly job: string }): ReactNode {
  const { job: texts } = useMessages()
  const namespace = useNamespace()
  const path = `/jobs/${encodeURIComponent(job)}/webhook`
  const { data, error, refetch } = useAccess<Webhook>(path)
  const add = useAccessChange<Webhook & { readonly secret: string }>()
  const remove = useAccessChange()
  const [isRemoving, setRemoving] = useState(false)
  const isNone = error !== null && asProblem(error).status === 404
  if (data === undefined && error === null) return <LoadingState />
  if (error !== null && !isNone) return <ErrorState error={error} onRetry={() => refetch().catch(() => undefined)} />
  const secrets = isNone ? [] : (data?.secrets ?? [])
  const own = `${location.origin}/hooks/${encodeURIComponent(namespace)}/${encodeURIComponent(job)}`
  const url = data?.url !== undefined && URL.canParse(data.url) ? data.url : own
  return (
    <>
      <p className={layout['secret']}>
        <span>POST {url}</span>
        <CopyButton text={url} />
      </p>
      {secrets.length === 0 && <p>{texts.noSecret}</p>}
      <ul className={layout['list']}>
        {secrets.map(({ id, createdAt }) => (
          <li key={id} className={layout['code']}>
            {id} · <RelativeTime at={createdAt} />
          </li>
        ))}
      </ul>
      {add.data !== undefined && (
        <div className={layout['stack']} role="status">
          <p>{texts.secretText}</p>
          <p className={layout['secret']}>
            <span data-secret="webhook">{add.data.secret}</span>
            <CopyButton text={add.data.secret} />
          </p>
        </div>
      )}
      {add.error !== null && <ProblemNote error={add.error} />}
      <div className={layout['buttons']}>
        <RoleButton role="developer" disabled={add.isPending} onClick={() => add.mutate({ method: 'POST', path, body: {} })}>
          {secrets.length === 0 ? texts.makeSecret : texts.changeSecret}
        </RoleButton>
        {secrets.length > 0 && (
          <RoleButton role="developer" onClick={() => setRemoving(true)}>
            {texts.removeWebhook}
          </RoleButton>
        )}
      </div>
      {isRemoving && (
        <ConfirmDialog
          isOpen
          onClose={() => setRemoving(false)}
          title={texts.removeWebhook}
          action={texts.removeWebhook}
          isDangerous
          isPending={remove.isPending}
          error={remove.error}
          onConfirm={() => {
            add.reset()
            remove.mutate({ method: 'DELETE', path }, { onSuccess: () => setRemoving(false) })
          }}
        >
          {texts.removeWebhookText}
        </ConfirmDialog>
      )}
    </>
  )
}
