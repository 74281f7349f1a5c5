import type { IncidentView } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useAction, useCall } from '../../api/use-call.ts'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { Field, Select, TextInput } from '../../parts/field.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Section } from '../../parts/page.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { ErrorState, LoadingState, ProblemNote } from '../../parts/states.tsx'
import { DurationInput } from '../../schedule/schedule-editor.tsx'
import { AbsoluteTime, RelativeTime } from '../../time/time.tsx'
import { oneOf } from '../../url/search.ts'
import layout from '../layout.module.css'

const STATES = ['open', 'recovered'] as const
const HOUR_MS = 3_600_000

/** What rules have found, newest first. */
export function IncidentsTab(): ReactNode {
  const { alerts: texts } = useMessages()
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const state = oneOf(search, 'state', STATES)
  const pages = usePages('incidentsList', { limit: 50, ...(state === undefined ? {} : { state }) }, { topics: ['incidents'] })
  const incidents = pages.items as readonly IncidentView[] | undefined
  return (
    <>
      <div className={layout['toolbar']}>
        <Field label={texts.state}>
          <Select
            value={state ?? ''}
            options={[{ value: '', label: texts.anyState }, ...STATES.map((value) => ({ value, label: texts.states[value] }))]}
            onChange={(event) => {
              navigate({ to: '.', search: { ...search, state: event.currentTarget.value } as never, replace: true }).catch(() => undefined)
            }}
          />
        </Field>
      </div>
      <Section title={texts.tabs.incidents}>
        <ListStates items={incidents} error={pages.error} onRetry={pages.reload} empty={texts.noIncidents} />
        {incidents?.map((incident) => (
          <IncidentCard key={incident.id} incident={incident} />
        ))}
        <MoreButton pages={pages} />
      </Section>
    </>
  )
}

function IncidentCard({ incident }: { readonly incident: IncidentView }): ReactNode {
  const { alerts: texts } = useMessages()
  const { id, state, summary, count, openedAt, lastAt, recoveredAt, recovery, acknowledged, snoozedUntil, examples, more, rule } = incident
  const [isOpen, setOpen] = useState(false)
  return (
    <article className={layout['card']} data-incident={id}>
      <div className={layout['head']}>
        <Badge tone={state === 'open' ? 'bad' : 'good'}>{texts.states[state]}</Badge>
        <strong>{summary}</strong>
        {acknowledged !== undefined && <Badge tone="calm">{texts.acknowledgedBy(acknowledged.by)}</Badge>}
        <span className={`${layout['small']} ${layout['push']}`}>
          {rule} · {texts.times(count)} · <RelativeTime at={openedAt} />
        </span>
      </div>
      {recovery !== undefined && (
        <p className={layout['small']}>
          {recovery} {recoveredAt !== undefined && <AbsoluteTime at={recoveredAt} />}
        </p>
      )}
      {acknowledged?.note !== undefined && <p className={layout['small']}>{acknowledged.note}</p>}
      {snoozedUntil !== undefined && (
        <p className={layout['small']}>
          {texts.snoozedUntil} <AbsoluteTime at={snoozedUntil} />
        </p>
      )}
      <ul className={layout['list']}>
        {examples.slice(0, 3).map(({ at, what, runId, instance, error }) => (
          <li key={`${at} ${runId ?? instance ?? what}`} className={layout['code']}>
            <RelativeTime at={at} /> {what} {runId !== undefined && <PageLink page={`runs/${runId}`}>{runId}</PageLink>} {instance} {error}
          </li>
        ))}
      </ul>
      {more > 0 && <p className={layout['small']}>{texts.more(more)}</p>}
      <div className={layout['buttons']}>
        {state === 'open' && <IncidentActions incident={incident} />}
        <Button size="small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {texts.deliveries}
        </Button>
        <span className={layout['small']}>
          {texts.last} <RelativeTime at={lastAt} />
        </span>
      </div>
      {isOpen && <Deliveries id={id} />}
    </article>
  )
}

const STALE = ['incidentsList', 'incidentsGet'] as const

function IncidentActions({ incident: { id, acknowledged, snoozedUntil } }: { readonly incident: IncidentView }): ReactNode {
  const { alerts: texts } = useMessages()
  const acknowledge = useAction('incidentsAcknowledge', STALE)
  const snooze = useAction('incidentsSnooze', STALE)
  const [note, setNote] = useState('')
  const [forMs, setForMs] = useState<unknown>(HOUR_MS)
  return (
    <>
      {acknowledged === undefined && (
        <>
          <Field label={texts.note} isLabelHidden>
            <TextInput placeholder={texts.note} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
          </Field>
          <RoleButton
            role="operator"
            size="small"
            disabled={acknowledge.isPending}
            onClick={() => acknowledge.mutate({ id, ...(note === '' ? {} : { note }) })}
          >
            {texts.acknowledge}
          </RoleButton>
        </>
      )}
      {snoozedUntil === undefined ? (
        <>
          <Field label={texts.snoozeFor} isLabelHidden>
            <DurationInput value={forMs} onChange={setForMs} />
          </Field>
          <RoleButton
            role="operator"
            size="small"
            disabled={snooze.isPending || typeof forMs !== 'number'}
            onClick={() => snooze.mutate({ id, forMs: forMs as number })}
          >
            {texts.snooze}
          </RoleButton>
        </>
      ) : (
        <RoleButton role="operator" size="small" disabled={snooze.isPending} onClick={() => snooze.mutate({ id, forMs: 0 })}>
          {texts.wake}
        </RoleButton>
      )}
      {(acknowledge.error ?? snooze.error) !== null && <ProblemNote error={(acknowledge.error ?? snooze.error) as Error} />}
    </>
  )
}

const TONES = { waiting: 'warn', sent: 'good', refused: 'bad' } as const

/** What was sent about it, to whom, and what they said. */
function Deliveries({ id }: { readonly id: string }): ReactNode {
  const { alerts: texts } = useMessages()
  const { data, error } = useCall('incidentsGet', { id })
  if (error !== null && data === undefined) return <ErrorState error={error} />
  if (data === undefined) return <LoadingState />
  if ((data.deliveries ?? []).length === 0) return <p className={layout['small']}>{texts.noDeliveries}</p>
  return (
    <ul className={layout['list']}>
      {data.deliveries?.map(({ id: delivery, channel, transition, state, tries, answer, sentAt, nextTryAt }) => (
        <li key={delivery} className={layout['head']}>
          <Badge tone={TONES[state]}>{texts.deliveryStates[state]}</Badge>
          <span>
            {channel}: {texts.transitions[transition]}
          </span>
          <span className={layout['small']}>
            {texts.tries(tries)} {answer} {sentAt !== undefined && <AbsoluteTime at={sentAt} />}
            {nextTryAt !== undefined && <RelativeTime at={nextTryAt} />}
          </span>
        </li>
      ))}
    </ul>
  )
}
