import type { StatsOverview } from '@carillon/contracts'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { failuresOf } from '../../parts/chart/stats-series.ts'
import { formatDuration } from '../../time/format.ts'
import { pagePath } from '../../url/page-path.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import { percentText, ratePerMinute, rateText } from './overview-numbers.ts'
import styles from './overview-page.module.css'

interface Tile {
  readonly name: string
  readonly value: string
  readonly more: string
  readonly isBad?: boolean
  /** The list behind the number. */
  readonly page?: string
}

export function Tiles({ stats }: { readonly stats: StatsOverview }): ReactNode {
  const namespace = useNamespace()
  return (
    <ul className={styles['tiles']}>
      {useTiles(stats).map(({ name, value, more, isBad = false, page }) => (
        <li key={name} data-bad={isBad}>
          <span className={styles['tile-name']}>{page === undefined ? name : <Link to={pagePath(namespace, page)}>{name}</Link>}</span>
          <strong>{value}</strong>
          <span className={styles['tile-more']}>{more}</span>
        </li>
      ))}
    </ul>
  )
}

const timeText = (ms: number | undefined) => (ms === undefined ? '–' : formatDuration(ms))

function useTiles(stats: StatsOverview): readonly Tile[] {
  const { overview, parts } = useMessages()
  const { totals, points } = stats
  const failed = failuresOf(totals)
  const gauges = points.findLast((point) => point.gauges !== undefined)?.gauges
  const names = overview.tiles
  return [
    { name: names.ended, value: parts.counted(totals.ended), more: overview.perMinute(rateText(ratePerMinute(stats))), page: 'runs' },
    {
      name: names.failed,
      value: parts.counted(failed),
      more: overview.share(percentText(failed, totals.ended)),
      isBad: failed > 0,
      page: 'runs?state=failed,timed_out,expired',
    },
    { name: names.runTime, value: timeText(totals.runMs.p95), more: overview.median(timeText(totals.runMs.p50)) },
    { name: names.late, value: parts.counted(totals.late), more: overview.lateBy(timeText(totals.lateMs.p95)), isBad: totals.late > 0 },
    { name: names.running, value: parts.counted(gauges?.running.last ?? 0), more: '', page: 'runs?state=running' },
    {
      name: names.queued,
      value: parts.counted(gauges?.queued.last ?? 0),
      more: gauges === undefined || gauges.queued.last === 0 ? overview.noneWaits : overview.oldest(formatDuration(gauges.oldestMs.last)),
      page: 'runs?state=waiting,queued',
    },
    { name: names.instances, value: parts.counted(gauges?.instances.last ?? 0), more: '', page: 'executors' },
  ]
}
