import type { JobView } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { RoleButton } from '../../parts/button.tsx'
import { Field, Select, TextInput } from '../../parts/field.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { PageLink, pathPart } from '../../parts/page-link.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ScheduleText } from '../../schedule/schedule-text.tsx'
import { RelativeTime } from '../../time/time.tsx'
import { pagePath } from '../../url/page-path.ts'
import { oneOf, textOf } from '../../url/search.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'
import { BulkDialog } from './bulk-dialog.tsx'
import { eligible, filteredJobs, JOB_STATES } from './job-filter.ts'
import { FailuresCell, LastRunCell, useMovedJobs } from './last-run.tsx'

/** A filter of the browser must see all jobs; more than these are searched by name with `/`. */
const MOST_JOBS = 2_000

export function JobsPage(): ReactNode {
  const { jobs: texts } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const text = textOf(search, 'text') ?? ''
  const state = oneOf(search, 'state', JOB_STATES)
  const isFiltered = text !== '' || state !== undefined
  const pages = usePages('jobsList', { limit: 100 }, { topics: ['jobs'], atLeast: isFiltered ? MOST_JOBS : 0 })
  useMovedJobs()
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [bulk, setBulk] = useState<'pause' | 'resume'>()
  const jobs = pages.items as readonly JobView[] | undefined
  const shown = jobs === undefined ? undefined : filteredJobs(jobs, { text, state })
  const setFilter = (change: object) => {
    navigate({ to: '.', search: { ...search, ...change } as never, replace: true }).catch(() => undefined)
  }
  const chosen = (jobs ?? []).filter(({ name }) => selected.has(name))
  return (
    <Page
      title={texts.title}
      actions={
        <>
          <RoleButton role="developer" onClick={() => navigate({ to: pagePath(namespace, 'new-job') }).catch(() => undefined)}>
            {texts.create}
          </RoleButton>
          <RoleButton role="developer" onClick={() => navigate({ to: pagePath(namespace, 'new-workflow') }).catch(() => undefined)}>
            {texts.createWorkflow}
          </RoleButton>
        </>
      }
    >
      <div className={layout['toolbar']}>
        <div className={layout['grow']}>
          <Field label={texts.filter}>
            <TextInput type="search" value={text} onChange={(event) => setFilter({ text: event.currentTarget.value })} />
          </Field>
        </div>
        <Field label={texts.state}>
          <Select
            value={state ?? ''}
            options={[{ value: '', label: texts.anyState }, ...JOB_STATES.map((value) => ({ value, label: texts.states[value] }))]}
            onChange={(event) => setFilter({ state: event.currentTarget.value })}
          />
        </Field>
        <div className={`${layout['buttons']} ${layout['push']}`}>
          {(['pause', 'resume'] as const).map((action) => (
            <RoleButton
              key={action}
              role="operator"
              disabled={eligible(chosen, selected, action).names.length === 0}
              onClick={() => setBulk(action)}
            >
              {texts.bulk[action](eligible(chosen, selected, action).names.length)}
            </RoleButton>
          ))}
        </div>
      </div>
      <Section
        title={texts.title}
        side={shown && <span className={layout['small']}>{(pages.hasMore ? texts.shownOfMore : texts.shown)(shown.length)}</span>}
      >
        <ListStates items={shown} error={pages.error} onRetry={pages.reload} empty={isFiltered ? texts.nothingMatches : texts.nothing} />
        {shown !== undefined && shown.length > 0 && <JobsTable jobs={shown} selected={selected} onSelect={setSelected} />}
        <MoreButton pages={pages} />
      </Section>
      {bulk !== undefined && (
        <BulkDialog
          action={bulk}
          {...eligible(chosen, selected, bulk)}
          onClose={(isDone) => {
            setBulk(undefined)
            if (isDone) setSelected(new Set())
          }}
        />
      )}
    </Page>
  )
}

interface JobsTableProps {
  readonly jobs: readonly JobView[]
  readonly selected: ReadonlySet<string>
  readonly onSelect: (selected: ReadonlySet<string>) => void
}

function JobsTable({ jobs, selected, onSelect }: JobsTableProps): ReactNode {
  const { jobs: texts } = useMessages()
  const toggle = (name: string) => {
    const next = new Set(selected)
    if (!next.delete(name)) next.add(name)
    onSelect(next)
  }
  const columns: Column<JobView>[] = [
    {
      key: 'select',
      title: texts.select,
      cell: ({ name }) => (
        <input
          type="checkbox"
          className={layout['check']}
          aria-label={texts.selectJob(name)}
          checked={selected.has(name)}
          onChange={() => toggle(name)}
        />
      ),
    },
    { key: 'name', title: texts.name, cell: ({ name }) => <PageLink page={`jobs/${pathPart(name)}`}>{name}</PageLink> },
    { key: 'state', title: texts.state, cell: (job) => <JobState job={job} /> },
    { key: 'last', title: texts.lastRun, cell: ({ name }) => <LastRunCell job={name} /> },
    { key: 'failures', title: texts.failures, isSecondary: true, cell: ({ name }) => <FailuresCell job={name} /> },
    { key: 'next', title: texts.next, cell: ({ nextAt }) => (nextAt === undefined ? '–' : <RelativeTime at={nextAt} />) },
    {
      ...{ key: 'schedule', title: texts.schedule, isSecondary: true, isSentence: true },
      cell: ({ schedule }) => <ScheduleText schedule={schedule} />,
    },
    {
      key: 'handler',
      title: texts.handler,
      isSecondary: true,
      cell: ({ handler, workflow }) => (workflow ? <Badge tone="calm">{texts.workflow}</Badge> : handler),
    },
  ]
  return <Table name={texts.title} columns={columns} rows={jobs} idOf={({ name }) => name} />
}

const TONES = { active: 'good', paused: 'warn', finished: 'calm' } as const

/** The state of a job, with the note of its pause. */
export function JobState({ job: { state, note } }: { readonly job: Pick<JobView, 'state' | 'note'> }): ReactNode {
  const { jobs: texts } = useMessages()
  return (
    <span {...(note === undefined ? {} : { title: note })}>
      <Badge tone={TONES[state]}>{texts.states[state]}</Badge>
    </span>
  )
}
