import type { Beat, InstanceView } from '@carillon/contracts'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { makeCall } from '../../api/call.ts'
import { keyOf, useAction } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { RoleButton } from '../../parts/button.tsx'
import { ConfirmDialog } from '../../parts/dialog.tsx'
import { Field, TextInput } from '../../parts/field.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { useTopics } from '../../stream/use-topics.ts'
import { formatDuration } from '../../time/format.ts'
import { RelativeTime } from '../../time/time.tsx'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'
import styles from './executors.module.css'
import { sparkline } from './loads.ts'

export interface InstanceCardProps {
  readonly instance: InstanceView
  /** Oldest first; the last one is its load now. */
  readonly beats: readonly Beat[]
  /** Other instances of its service have another version. */
  readonly isSkewed: boolean
}

const BOX = { width: 120, height: 28 } as const
const MIB = 1024 * 1024

export function InstanceCard({ instance: view, beats, isSkewed }: InstanceCardProps): ReactNode {
  const { executors: texts } = useMessages()
  const { instance, service, version, capacity, handlers, labels, cordoned, hung, since, programs = [], schemaConflicts = [] } = view
  const load = beats.at(-1) ?? view.load
  const running = load.running ?? 0
  return (
    <article className={layout['card']} data-instance={instance}>
      <div className={layout['head']}>
        <h3 className={styles['name']}>{instance}</h3>
        {cordoned === undefined ? (
          hung === true ? (
            <Badge tone="bad">{texts.hung}</Badge>
          ) : (
            <Badge tone="good">{texts.live}</Badge>
          )
        ) : (
          <CordonBadge cordon={cordoned} running={running} />
        )}
        <span className={layout['muted']}>
          {service} {isSkewed ? <Badge tone="warn">{version}</Badge> : version}
        </span>
        <span className={layout['small']}>
          {texts.since} <RelativeTime at={since} />
        </span>
        <div className={`${layout['buttons']} ${layout['push']}`}>
          <InstanceActions view={view} />
        </div>
      </div>
      <div className={styles['load']}>
        <figure className={styles['spark']}>
          <svg viewBox={`0 0 ${BOX.width} ${BOX.height}`} role="img" aria-label={texts.load(running, capacity)}>
            <polyline
              points={sparkline(
                beats.map((beat) => (beat.running ?? 0) / capacity),
                BOX,
              )}
            />
          </svg>
          <figcaption>{texts.load(running, capacity)}</figcaption>
        </figure>
        <figure className={styles['spark']}>
          <svg viewBox={`0 0 ${BOX.width} ${BOX.height}`} role="img" aria-label={texts.cpu(percent(load.cpu ?? 0))}>
            <polyline
              points={sparkline(
                beats.map((beat) => beat.cpu ?? 0),
                BOX,
              )}
            />
          </svg>
          <figcaption>{texts.cpu(percent(load.cpu ?? 0))}</figcaption>
        </figure>
        <p className={layout['small']}>{texts.memory(`${Math.round((load.memoryBytes ?? 0) / MIB)} MiB`)}</p>
        {(load.eventLoopDelayMs ?? 0) > 100 && <Badge tone="warn">{texts.delay(formatDuration(load.eventLoopDelayMs))}</Badge>}
        {load.blockedMs !== undefined && <Badge tone="bad">{texts.blocked(formatDuration(load.blockedMs))}</Badge>}
        {(load.stuck ?? 0) > 0 && <Badge tone="bad">{texts.stuck(load.stuck)}</Badge>}
      </div>
      <div className={layout['chips']}>
        {handlers.map((handler) => (
          <span key={handler} className={styles['chip']}>
            <PageLink page="runs" search={{ handler }}>
              {programs.find((program) => program.startsWith(`${handler}@`)) ?? handler}
            </PageLink>
          </span>
        ))}
        {Object.entries(labels).map(([name, value]) => (
          <span key={name} className={layout['small']}>
            {name}={value}
          </span>
        ))}
      </div>
      {schemaConflicts.map(({ handler, services }) => (
        <p key={handler} className={layout['note']}>
          {texts.conflict(handler, services.join(', '))}
        </p>
      ))}
    </article>
  )
}

const percent = (share: number) => `${Math.round(share * 100)} %`

function CordonBadge({ cordon, running }: { readonly cordon: NonNullable<InstanceView['cordoned']>; readonly running: number }): ReactNode {
  const { executors: texts } = useMessages()
  const { by = '', note = '' } = cordon
  return (
    <span title={`${by} ${note}`.trim()}>
      <Badge tone="warn">{running > 0 ? texts.draining(running) : texts.cordoned}</Badge>
    </span>
  )
}

const STALE = ['instancesList'] as const

function InstanceActions({ view: { instance, cordoned } }: { readonly view: InstanceView }): ReactNode {
  const { executors: texts } = useMessages()
  const [dialog, setDialog] = useState<'cordon' | 'drain'>()
  const uncordon = useAction('instancesUncordon', STALE)
  return (
    <>
      {cordoned === undefined && (
        <RoleButton role="operator" size="small" onClick={() => setDialog('cordon')}>
          {texts.cordon}
        </RoleButton>
      )}
      {cordoned !== undefined && (
        <RoleButton role="operator" size="small" disabled={uncordon.isPending} onClick={() => uncordon.mutate({ instance })}>
          {texts.uncordon}
        </RoleButton>
      )}
      <RoleButton role="operator" size="small" onClick={() => setDialog('drain')}>
        {texts.drain}
      </RoleButton>
      {dialog !== undefined && <CordonDialog instance={instance} action={dialog} onClose={() => setDialog(undefined)} />}
    </>
  )
}

function CordonDialog({
  instance,
  action,
  onClose,
}: {
  readonly instance: string
  readonly action: 'cordon' | 'drain'
  readonly onClose: () => void
}): ReactNode {
  const { executors: texts } = useMessages()
  const [note, setNote] = useState('')
  const [isDraining, setDraining] = useState(false)
  const cordon = useAction('instancesCordon', STALE)
  const input = { instance, ...(note === '' ? {} : { note }) }
  if (isDraining) return <DrainProgress instance={instance} onClose={onClose} />
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={texts.actionTitle[action](instance)}
      action={texts[action]}
      isPending={cordon.isPending}
      error={cordon.error}
      onConfirm={() => cordon.mutate(input, { onSuccess: () => (action === 'drain' ? setDraining(true) : onClose()) })}
    >
      <div className={layout['stack']}>
        <p>{texts.actionText[action]}</p>
        <Field label={texts.note}>
          <TextInput value={note} onChange={(event) => setNote(event.currentTarget.value)} />
        </Field>
      </div>
    </ConfirmDialog>
  )
}

/** How far a drain is, until the executor holds nothing: asked again with each of its beats. */
function DrainProgress({ instance, onClose }: { readonly instance: string; readonly onClose: () => void }): ReactNode {
  const { executors: texts, parts } = useMessages()
  const namespace = useNamespace()
  const drain = useQuery({
    queryKey: keyOf(namespace, 'instancesDrain', instance),
    queryFn: ({ signal }) => makeCall('instancesDrain', { instance, continues: true }, { namespace, signal }),
    staleTime: 0,
  })
  const ask = () => {
    if (drain.data?.isEmpty !== true) drain.refetch().catch(() => undefined)
  }
  useTopics(['instances'], { onMessage: ({ name }) => name === instance && ask(), onResync: ask })
  const left = drain.data === undefined ? undefined : drain.data.isEmpty ? 0 : Math.max(1, drain.data.instance.load.running)
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={texts.actionTitle.drain(instance)}
      action={parts.close}
      error={drain.error}
      onConfirm={onClose}
    >
      <p role="status">{left === undefined ? parts.loading : left === 0 ? texts.drained : texts.draining(left)}</p>
    </ConfirmDialog>
  )
}
