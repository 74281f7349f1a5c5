import type { CalendarView } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useAction, useCall } from '../../api/use-call.ts'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../parts/dialog.tsx'
import { Field, TextArea, TextInput } from '../../parts/field.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { ErrorState, LoadingState, ProblemNote } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { RelativeTime } from '../../time/time.tsx'
import { textOf } from '../../url/search.ts'
import { problemsByField } from '../job/use-save-job.ts'
import layout from '../layout.module.css'

/** Named lists of days, for schedules. The open one is in the URL. */
export function CalendarsPage(): ReactNode {
  const { calendars: texts } = useMessages()
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const open = textOf(search, 'calendar')
  const pages = usePages('calendarsList', { limit: 100 }, { topics: ['calendars'] })
  const calendars = pages.items as readonly CalendarView[] | undefined
  const [isNew, setNew] = useState(false)
  const setOpen = (calendar: string | undefined) => {
    navigate({ to: '.', search: { ...search, calendar } as never, replace: true }).catch(() => undefined)
  }
  const columns: Column<CalendarView>[] = [
    {
      key: 'name',
      title: texts.name,
      cell: ({ name }) => (
        <Button look="quiet" size="small" onClick={() => setOpen(name)}>
          {name}
        </Button>
      ),
    },
    { key: 'days', title: texts.days, cell: ({ count, firstDay, lastDay }) => texts.span(count, firstDay, lastDay) },
    { key: 'warnings', title: texts.warnings, cell: ({ warnings }) => warnings.join(' ') },
    { key: 'about', title: texts.description, isSecondary: true, cell: ({ description }) => description ?? '' },
    { key: 'changed', title: texts.changed, isSecondary: true, cell: ({ updatedAt }) => <RelativeTime at={updatedAt} /> },
  ]
  return (
    <Page
      title={texts.title}
      actions={
        <RoleButton role="developer" onClick={() => setNew(true)}>
          {texts.create}
        </RoleButton>
      }
    >
      <Section title={texts.title}>
        <ListStates items={calendars} error={pages.error} onRetry={pages.reload} empty={texts.nothing} />
        {calendars !== undefined && calendars.length > 0 && (
          <Table name={texts.title} columns={columns} rows={calendars} idOf={({ name }) => name} />
        )}
        <MoreButton pages={pages} />
      </Section>
      {isNew && (
        <Dialog isOpen onClose={() => setNew(false)} title={texts.create} isWide>
          <CalendarForm onClose={() => setNew(false)} />
        </Dialog>
      )}
      {open !== undefined && <CalendarDialog name={open} onClose={() => setOpen(undefined)} />}
    </Page>
  )
}

function CalendarDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }): ReactNode {
  const { calendars: texts, parts } = useMessages()
  const { data, error } = useCall('calendarsGet', { name })
  const [isRemoving, setRemoving] = useState(false)
  const remove = useAction('calendarsRemove', ['calendarsList'])
  return (
    <Dialog isOpen onClose={onClose} title={name} isWide>
      {error !== null && data === undefined && <ErrorState error={error} />}
      {data === undefined && error === null && <LoadingState />}
      {data?.warnings.map((warning) => (
        <p key={warning} className={layout['note']}>
          {warning}
        </p>
      ))}
      {data !== undefined && <CalendarForm calendar={data} onClose={onClose} onRemove={() => setRemoving(true)} />}
      {isRemoving && (
        <ConfirmDialog
          isOpen
          onClose={() => setRemoving(false)}
          title={texts.removeTitle(name)}
          action={parts.remove}
          isDangerous
          isPending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate({ name }, { onSuccess: onClose })}
        >
          {texts.removeText}
        </ConfirmDialog>
      )}
    </Dialog>
  )
}

interface CalendarFormProps {
  /** Undefined: a new one. */
  readonly calendar?: CalendarView
  readonly onClose: () => void
  readonly onRemove?: () => void
}

function CalendarForm({ calendar, onClose, onRemove }: CalendarFormProps): ReactNode {
  const { calendars: texts, parts } = useMessages()
  const [name, setName] = useState(calendar?.name ?? '')
  const [description, setDescription] = useState(calendar?.description ?? '')
  const [text, setText] = useState((calendar?.days ?? []).join('\n'))
  const put = useAction('calendarsPut', ['calendarsList', 'calendarsGet'])
  const problems = problemsByField(put.error)
  const isIcs = text.includes('BEGIN:VCALENDAR')
  const save = () => {
    const days = isIcs ? { ics: text } : { days: text.split(/[\s,;]+/).filter((day) => day !== '') }
    put.mutate(
      { name, ...(description === '' ? {} : { description }), ...days },
      { onSuccess: ({ warnings }) => warnings.length === 0 && onClose() },
    )
  }
  const wrong = (...fields: string[]) => {
    const problem = [...problems].find(([field]) => fields.some((one) => field === one || field.startsWith(`${one}.`)))?.[1]
    return problem === undefined ? {} : { problem }
  }
  return (
    <form
      className={layout['stack']}
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      {calendar === undefined && (
        <Field label={texts.name} {...wrong('name')}>
          <TextInput value={name} onChange={(event) => setName(event.currentTarget.value)} />
        </Field>
      )}
      <Field label={texts.description}>
        <TextInput value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
      </Field>
      <Field label={texts.days} hint={isIcs ? texts.icsHint : texts.daysHint} {...wrong('days', 'ics')}>
        <TextArea rows={10} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </Field>
      <Field label={texts.file}>
        <TextInput
          type="file"
          accept=".ics,.txt,text/calendar"
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? []
            file?.text().then(setText, () => undefined)
          }}
        />
      </Field>
      {put.data?.warnings.map((warning) => (
        <p key={warning} className={layout['note']} role="status">
          {warning}
        </p>
      ))}
      {put.error !== null && <ProblemNote error={put.error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.close}</Button>
        {onRemove !== undefined && (
          <RoleButton role="developer" look="danger" onClick={onRemove}>
            {parts.remove}
          </RoleButton>
        )}
        <RoleButton role="developer" look="main" type="submit" disabled={put.isPending}>
          {parts.save}
        </RoleButton>
      </DialogActions>
    </form>
  )
}
