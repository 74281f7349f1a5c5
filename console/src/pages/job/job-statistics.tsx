import type { StatsJob } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useMemo } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { ChangesList, chartMarks } from '../../parts/chart/changes-list.tsx'
import { ChartFigure } from '../../parts/chart/chart-figure.tsx'
import { endedSeries, failuresOf, runTimeSeries, timesOf } from '../../parts/chart/stats-series.ts'
import { Field, Select } from '../../parts/field.tsx'
import { Facts, Section } from '../../parts/page.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { EmptyState, LoadingState, ProblemNote } from '../../parts/states.tsx'
import { useLiveCall } from '../../stream/use-live-call.ts'
import { formatDuration, viewerZone } from '../../time/format.ts'
import { RelativeTime } from '../../time/time.tsx'
import { oneOf } from '../../url/search.ts'
import layout from '../layout.module.css'

const RANGES = ['1h', '24h', '7d', '30d'] as const

/** What the runs of a job have come to. */
export function JobStatistics({ name }: { readonly name: string }): ReactNode {
  const { job: texts } = useMessages()
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const range = oneOf(search, 'range', RANGES) ?? '24h'
  const { data, error } = useLiveCall(
    'statsJob',
    { name, range, zone: viewerZone(), compare: range === '30d' ? '28d' : '7d' },
    { topics: ['runs'], concerns: ({ body, what }) => body['job'] === name && what !== 'started' && what !== 'progress' },
  )
  return (
    <Section
      title={texts.statistics}
      side={
        <Field label={texts.range} isLabelHidden>
          <Select
            value={range}
            options={RANGES.map((value) => ({ value, label: texts.ranges[value] }))}
            onChange={(event) => {
              navigate({ to: '.', search: { ...search, range: event.currentTarget.value } as never, replace: true }).catch(() => undefined)
            }}
          />
        </Field>
      }
    >
      {error !== null && data === undefined && (
        <div className={layout['padded']}>
          <ProblemNote error={error} />
        </div>
      )}
      {data === undefined && error === null && <LoadingState />}
      {data?.totals.ended === 0 && <EmptyState title={texts.noneEnded} />}
      {data !== undefined && data.totals.ended > 0 && <Counted statistics={data} />}
    </Section>
  )
}

function Counted({ statistics }: { readonly statistics: StatsJob }): ReactNode {
  const { job: texts } = useMessages()
  const { totals, errors } = statistics
  const { states, runMs, waitMs, lateMs } = totals
  const failed = failuresOf(totals)
  const times = (of: typeof runMs) =>
    of.p50 === undefined || of.p95 === undefined ? '–' : `${formatDuration(of.p50)} / ${formatDuration(of.p95)}`
  return (
    <>
      <Facts
        facts={[
          { name: texts.ended, value: texts.counts(states.succeeded ?? 0, failed) },
          { name: texts.runTime, value: times(runMs) },
          { name: texts.waitTime, value: times(waitMs) },
          { name: texts.lateness, value: times(lateMs) },
          { name: texts.retries, value: String(totals.retries) },
        ]}
      />
      <div className={layout['padded']}>
        <Charts statistics={statistics} />
        <ChangesList marks={statistics.marks} />
      </div>
      {errors.length > 0 && (
        <ul className={layout['padded']}>
          {errors.slice(0, 5).map(({ fingerprint, message, name: kind, count, lastAt, runId }) => (
            <li key={fingerprint} className={layout['code']}>
              {count} × {kind}: {message} · <RelativeTime at={lastAt} /> · <PageLink page={`runs/${runId}`}>{runId}</PageLink>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Charts({ statistics }: { readonly statistics: StatsJob }): ReactNode {
  const { overview } = useMessages()
  const { charts } = overview
  const data = useMemo(
    () => ({
      times: timesOf(statistics.points),
      marks: chartMarks(statistics.marks, overview),
      ended: endedSeries(statistics, charts),
      runTime: runTimeSeries(statistics, charts),
    }),
    [statistics, overview, charts],
  )
  const common = { times: data.times, marks: data.marks }
  return (
    <div className={layout['columns']}>
      <ChartFigure {...common} name={charts.ended} series={data.ended} format={String} />
      <ChartFigure {...common} name={charts.runTime} series={data.runTime} format={formatDuration} />
    </div>
  )
}
