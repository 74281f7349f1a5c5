import { LOG_LEVELS } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useMemo } from 'react'
import { type Pages, usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Button } from '../../parts/button.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { EmptyState } from '../../parts/states.tsx'
import { SubmitField } from '../../parts/submit-field.tsx'
import { useSeesPayloads } from '../../session/session.ts'
import { systemClock } from '../../time/clock.ts'
import { AbsoluteTime } from '../../time/time.tsx'
import layout from '../layout.module.css'
import { RUN_RANGES } from '../runs/runs-search.ts'
import { FoundLines } from './found-lines.tsx'
import styles from './logs-page.module.css'
import { type LogsSearch, linesFilter, readLogsSearch, TEXTS } from './logs-search.ts'

/** The lines of all runs, searched by the logger: text, level, job, instance and time are in the URL. */
export function LogsPage(): ReactNode {
  const { logs: texts, run } = useMessages()
  const search = readLogsSearch(useSearch({ strict: false }))
  return (
    <Page title={texts.title}>
      <Filters search={search} />
      {useSeesPayloads() ? <Found search={search} /> : <EmptyState title={run.log.hidden} />}
    </Page>
  )
}

function Filters({ search }: { readonly search: LogsSearch }): ReactNode {
  const { logs: texts, runs, run, parts } = useMessages()
  const navigate = useNavigate()
  const go = (next: LogsSearch) => {
    navigate({ to: '.', search: next as never, replace: true }).catch(() => undefined)
  }
  const change = (part: LogsSearch) => go({ ...search, ...part })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  return (
    <search className={layout['toolbar']} aria-label={texts.filters}>
      {TEXTS.map((name) => (
        <SubmitField
          key={name}
          {...(name === 'text' ? { className: layout['grow'] } : {})}
          label={texts[name]}
          value={search[name] ?? ''}
          onChange={(value) => change({ [name]: value })}
        />
      ))}
      <Field label={texts.level} isLabelHidden>
        <Select
          value={search.level ?? 'debug'}
          options={LOG_LEVELS.map((level) => ({ value: level, label: run.log.levels[level] }))}
          onChange={(event) => change(readLogsSearch({ ...search, level: event.currentTarget.value }))}
        />
      </Field>
      <Field label={texts.range} isLabelHidden>
        <Select
          value={search.range ?? ''}
          options={[{ value: '', label: runs.ranges.any }, ...RUN_RANGES.map((range) => ({ value: range, label: runs.ranges[range] }))]}
          onChange={(event) => change(readLogsSearch({ ...search, range: event.currentTarget.value }))}
        />
      </Field>
      {isFiltered && (
        <Button look="quiet" onClick={() => go({})}>
          {parts.clearFilters}
        </Button>
      )}
    </search>
  )
}

function Found({ search }: { readonly search: LogsSearch }): ReactNode {
  const { logs: texts } = useMessages()
  const text = JSON.stringify(search)
  // A range counts from when the search began, or each drawing would be another search.
  const filter = useMemo(() => linesFilter(JSON.parse(text) as LogsSearch, systemClock.now()), [text])
  const pages = usePages('logsSearch', { ...filter, limit: 200 })
  const { items, error } = pages
  return (
    <Section
      title={texts.title}
      side={<span className={layout['small']}>{search.job === undefined ? items && texts.shown(items.length) : texts.byRun}</span>}
    >
      <ListStates items={items} error={error} onRetry={pages.reload} empty={pages.hasMore ? texts.nothingYet : texts.nothing} />
      {items !== undefined && items.length > 0 && <FoundLines lines={items} />}
      <SearchOn pages={pages} />
    </Section>
  )
}

/** A search takes a limited time: how far it has come, and on. */
function SearchOn({ pages }: { readonly pages: Pages<'logsSearch'> }): ReactNode {
  const { logs: texts } = useMessages()
  if (!pages.hasMore) return null
  return (
    <div className={styles['on']}>
      {pages.last?.searchedBackTo !== undefined && (
        <span className={layout['small']}>
          {texts.searchedBackTo} <AbsoluteTime at={pages.last.searchedBackTo} />
        </span>
      )}
      <Button disabled={pages.isMore} onClick={pages.loadMore}>
        {texts.searchOn}
      </Button>
    </div>
  )
}
