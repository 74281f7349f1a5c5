import type { StatsOverview } from '@carillon/contracts'
import { STATS_RANGES } from '@carillon/contracts'
import { getRouteApi, Link } from '@tanstack/react-router'
import { type ReactNode, useMemo } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { ChangesList, chartMarks } from '../../parts/chart/changes-list.tsx'
import { ChartFigure } from '../../parts/chart/chart-figure.tsx'
import { endedSeries, latenessSeries, queueSeries, runTimeSeries, timesOf } from '../../parts/chart/stats-series.ts'
import { Field, Select } from '../../parts/field.tsx'
import { Page } from '../../parts/page.tsx'
import { ErrorState, LoadingState } from '../../parts/states.tsx'
import { useLiveCall } from '../../stream/use-live-call.ts'
import { formatDuration, viewerZone } from '../../time/format.ts'
import { oneOf } from '../../url/search.ts'
import { BrokenSection } from './broken-section.tsx'
import styles from './overview-page.module.css'
import { COMPARISONS, type Comparison, compareInput, comparisonOf, DEFAULT_RANGE } from './overview-search.ts'
import { QueuesSection } from './queues-section.tsx'
import { RankedSections } from './ranked-sections.tsx'
import { Tiles } from './tiles.tsx'

const place = getRouteApi('/n/$namespace/overview')
/** Roll-ups are counted every few seconds: more often there is nothing new to read. */
const WITHIN_MS = 5_000

/** What broke now, how much runs, how fast, and what waits. */
export function OverviewPage(): ReactNode {
  const { shell } = useMessages()
  const search = place.useSearch()
  const { range = DEFAULT_RANGE } = search
  const compared = comparisonOf(search)
  const question = { range, zone: viewerZone(), ...compareInput(compared) }
  const stats = useLiveCall('statsOverview', question, { topics: ['runs'], withinMs: WITHIN_MS })
  return (
    <Page
      title={shell.pages.overview}
      actions={
        <>
          <ComparisonChoice chosen={compared} />
          <RangeChoice range={range} />
        </>
      }
    >
      {stats.isPending && <LoadingState />}
      {stats.error !== null && <ErrorState error={stats.error} onRetry={() => stats.refetch()} />}
      {stats.data !== undefined && <OpenOverview stats={stats.data} />}
    </Page>
  )
}

function OpenOverview({ stats }: { readonly stats: StatsOverview }): ReactNode {
  return (
    <>
      <BrokenSection errors={stats.errors} />
      <Tiles stats={stats} />
      <Charts stats={stats} />
      <ChangesList marks={stats.marks} />
      <QueuesSection />
      <RankedSections stats={stats} />
    </>
  )
}

function RangeChoice({ range }: { readonly range: string }): ReactNode {
  const { overview } = useMessages()
  return (
    <nav className={styles['ranges']} aria-label={overview.range}>
      {STATS_RANGES.map((one) => (
        <Link
          key={one}
          from="/n/$namespace/overview"
          to="."
          search={(before) => ({ ...before, range: one })}
          replace
          aria-current={one === range ? 'true' : undefined}
        >
          {overview.ranges[one]}
        </Link>
      ))}
    </nav>
  )
}

function ComparisonChoice({ chosen }: { readonly chosen: Comparison }): ReactNode {
  const { overview } = useMessages()
  const navigate = place.useNavigate()
  return (
    <Field label={overview.compare} isLabelHidden>
      <Select
        value={chosen}
        options={COMPARISONS.map((value) => ({ value, label: overview.comparisons[value] }))}
        onChange={(event) => {
          const compare = oneOf({ compare: event.currentTarget.value }, 'compare', COMPARISONS)
          navigate({ search: (before) => ({ ...before, compare }), replace: true }).catch(() => undefined)
        }}
      />
    </Field>
  )
}

const countText = (value: number) => String(Math.round(value))

function Charts({ stats }: { readonly stats: StatsOverview }): ReactNode {
  const { overview } = useMessages()
  const texts = overview.charts
  const data = useMemo(
    () => ({
      times: timesOf(stats.points),
      marks: chartMarks(stats.marks, overview),
      ended: endedSeries(stats, texts),
      runTime: runTimeSeries(stats, texts),
      lateness: latenessSeries(stats, texts),
      queue: queueSeries(stats, texts),
    }),
    [stats, overview, texts],
  )
  const common = { times: data.times, marks: data.marks }
  return (
    <div className={styles['charts']}>
      <ChartFigure {...common} name={texts.ended} series={data.ended} format={countText} />
      <ChartFigure {...common} name={texts.runTime} series={data.runTime} format={formatDuration} />
      <ChartFigure {...common} name={texts.queue} series={data.queue} format={formatDuration} />
      <ChartFigure {...common} name={texts.lateness} series={data.lateness} format={formatDuration} />
    </div>
  )
}
