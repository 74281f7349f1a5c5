import type { StatsOverview } from '@carillon/contracts'
import { STATS_RANGES } from '@carillon/contracts'
import { getRouteApi, Link } from '@tanstack/react-router'
import { type ReactNode, useMemo } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { ChartFigure } from '../../parts/chart/chart-figure.tsx'
import { Page } from '../../parts/page.tsx'
import { ErrorState, LoadingState } from '../../parts/states.tsx'
import { useLiveCall } from '../../stream/use-live-call.ts'
import { formatDuration, viewerZone } from '../../time/format.ts'
import { BrokenSection } from './broken-section.tsx'
import { endedSeries, latenessSeries, queueSeries, runTimeSeries, timesOf } from './overview-numbers.ts'
import styles from './overview-page.module.css'
import { DEFAULT_RANGE } from './overview-search.ts'
import { QueuesSection } from './queues-section.tsx'
import { RankedSections } from './ranked-sections.tsx'
import { Tiles } from './tiles.tsx'

const place = getRouteApi('/n/$namespace/overview')
/** Roll-ups are counted every few seconds: more often there is nothing new to read. */
const WITHIN_MS = 5_000

/** What broke now, how much runs, how fast, and what waits. */
export function OverviewPage(): ReactNode {
  const { shell } = useMessages()
  const { range = DEFAULT_RANGE } = place.useSearch()
  const stats = useLiveCall('statsOverview', { range, zone: viewerZone() }, { topics: ['runs'], withinMs: WITHIN_MS })
  return (
    <Page title={shell.pages.overview} actions={<RangeChoice range={range} />}>
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
          search={{ range: one }}
          replace
          aria-current={one === range ? 'true' : undefined}
        >
          {overview.ranges[one]}
        </Link>
      ))}
    </nav>
  )
}

const countText = (value: number) => String(Math.round(value))

function Charts({ stats: { points } }: { readonly stats: StatsOverview }): ReactNode {
  const { overview } = useMessages()
  const texts = overview.charts
  const data = useMemo(
    () => ({
      times: timesOf(points),
      ended: endedSeries(points, texts),
      runTime: runTimeSeries(points, texts),
      lateness: latenessSeries(points, texts),
      queue: queueSeries(points, texts),
    }),
    [points, texts],
  )
  return (
    <div className={styles['charts']}>
      <ChartFigure name={texts.ended} times={data.times} series={data.ended} format={countText} />
      <ChartFigure name={texts.runTime} times={data.times} series={data.runTime} format={formatDuration} />
      <ChartFigure name={texts.queue} times={data.times} series={data.queue} format={formatDuration} />
      <ChartFigure name={texts.lateness} times={data.times} series={data.lateness} format={formatDuration} />
    </div>
  )
}
