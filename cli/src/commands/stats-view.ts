import type {
  ErrorGroup,
  StatsDurations,
  StatsJob,
  StatsMark,
  StatsOverview,
  StatsPoint,
  StatsQueue,
  StatsRanked,
} from '@carillon/contracts'
import { now } from '../clock.ts'
import { highestOf, sparkline } from '../output/sparkline.ts'
import { printFields } from '../output/table.ts'
import { type Column, Table } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { relativeText, spanText, tookText } from '../output/time-text.ts'

const FAILURES = ['failed', 'timed_out', 'expired'] as const
/** Bars that have room beside their names in 80 columns. */
const BARS = 60
const SHOWN = 5
const HOUR_MS = 3_600_000

const countText = (count: number) => count.toLocaleString('en')
const failuresOf = ({ states }: Pick<StatsPoint, 'states'>) => FAILURES.reduce((sum, state) => sum + (states[state] ?? 0), 0)

/** Totals, a line of bars for each chart, and what stands out. */
export function printStats(terminal: Terminal, stats: StatsOverview | StatsJob): void {
  if (terminal.json) {
    terminal.value(stats)
    return
  }
  const { totals, points, range, zone, countedMsAgo, from, to } = stats
  const hours = (Date.parse(to) - Date.parse(from)) / HOUR_MS
  const bars = (of: (point: StatsPoint) => number, together?: typeof highestOf) => `${sparkline(points.map(of), BARS, together)}│`
  const failed = failuresOf(totals)
  printFields(terminal, stats, [
    [
      'last',
      `${range}${zone === 'UTC' ? '' : `, days of ${zone}`}${countedMsAgo === undefined ? ', nothing is counted yet' : `, counted ${spanText(countedMsAgo)} ago`}`,
    ],
    ['runs', `${countText(totals.ended)} ended, ${countText(Math.round(totals.ended / hours))} an hour${statesText(totals.states)}`],
    ['', bars(({ ended }) => ended)],
    ['before', comparedText(stats)],
    ['failing', `${countText(failed)}${totals.ended > 0 ? `, ${((100 * failed) / totals.ended).toFixed(1)} %` : ''}`],
    ['', failed === 0 ? undefined : bars(failuresOf)],
    ['reasons', reasonsText(totals.reasons)],
    ['run time', durationsText(totals.runMs)],
    ['', totals.runMs.count === 0 ? undefined : bars(({ runMs }) => runMs.p95 ?? 0, highestOf)],
    ['waited', durationsText(totals.waitMs)],
    [
      'slots',
      totals.lateMs.count === 0
        ? undefined
        : `${countText(totals.lateMs.count)}, ${countText(totals.late)} late; ${durationsText(totals.lateMs)}`,
    ],
    ['retries', totals.retries === 0 ? undefined : countText(totals.retries)],
    ...gaugeFields(points),
  ])
  if ('slowest' in stats) {
    printTable(terminal, { rows: stats.failing.slice(0, SHOWN), columns: RANKED, title: 'Most failing' })
    printTable(terminal, { rows: stats.slowest.slice(0, SHOWN), columns: RANKED, title: 'Slowest' })
  }
  printTable(terminal, { rows: stats.marks.slice(-SHOWN), columns: markColumns(), title: 'Changes' })
  printTable(terminal, { rows: stats.errors.slice(0, SHOWN), columns: errorColumns(), title: 'Errors' })
}

/** Rates, as the stretches differ in length. */
function comparedText({ compared }: StatsOverview | StatsJob): string | undefined {
  if (!compared) return undefined
  const { from, to, totals } = compared
  const hours = (Date.parse(to) - Date.parse(from)) / HOUR_MS
  const failed = failuresOf(totals)
  const failing = totals.ended === 0 ? '' : `, ${((100 * failed) / totals.ended).toFixed(1)} % failing`
  const took = totals.runMs.count === 0 ? '' : `, ${durationsText(totals.runMs)}`
  return `${relativeText(from, now())}: ${countText(Math.round(totals.ended / hours))} an hour${failing}${took}`
}

function markColumns(): Column<StatsMark>[] {
  const nowMs = now()
  return [
    { heading: 'WHEN', text: ({ at }) => relativeText(at, nowMs) },
    { heading: 'CHANGE', text: ({ kind, count, isMore }) => `${kind}${count > 1 ? ` × ${count}${isMore ? ' or more' : ''}` : ''}` },
    {
      heading: 'WHAT',
      text: ({ items }) => items.map(({ job, service, version }) => job ?? `${service} ${version}`).join(', '),
      narrow: 'whole',
    },
  ]
}

/** Of the last minute that was measured. */
function gaugeFields(points: readonly StatsPoint[]): [string, string][] {
  const { gauges } = points.findLast((point) => point.gauges !== undefined) ?? {}
  if (!gauges) return []
  const { running, queued, oldestMs, instances } = gauges
  return [
    [
      'now',
      `${running.last} running, ${queued.last} queued${queued.last > 0 ? `, the oldest for ${spanText(oldestMs.last)}` : ''}, ${instances.last} instances`,
    ],
  ]
}

function statesText(states: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(states).map(([state, count = 0]) => `${countText(count)} ${state}`)
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`
}

function reasonsText(reasons: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(reasons)
    .sort(([, a = 0], [, b = 0]) => b - a)
    .slice(0, 3)
    .map(([reason, count = 0]) => `${reason} ${countText(count)}`)
  return parts.join(', ')
}

function durationsText({ count, p50, p95, max }: StatsDurations): string | undefined {
  if (count === 0 || p50 === undefined || p95 === undefined || max === undefined) return undefined
  return `p50 ${tookText(p50)}, p95 ${tookText(p95)}, at most ${tookText(max)}`
}

const RANKED: readonly Column<StatsRanked>[] = [
  { heading: 'JOB', text: ({ job, handler = '' }) => job ?? `${handler} (handler)`, narrow: 'whole' },
  { heading: 'ENDED', text: ({ ended }) => countText(ended) },
  { heading: 'FAILED', text: ({ failed }) => (failed > 0 ? countText(failed) : ''), tone: () => 'bad' },
  { heading: 'MEAN', text: ({ runMs }) => (runMs.mean === undefined ? '' : tookText(runMs.mean)) },
  { heading: 'AT MOST', text: ({ runMs }) => (runMs.max === undefined ? '' : tookText(runMs.max)) },
]

function errorColumns(): Column<ErrorGroup>[] {
  const nowMs = now()
  return [
    { heading: 'TIMES', text: ({ count }) => countText(count) },
    { heading: 'LAST', text: ({ lastAt }) => relativeText(lastAt, nowMs) },
    { heading: 'JOB', text: ({ job, handler = '' }) => job ?? handler },
    { heading: 'ERROR', text: ({ fingerprint }) => fingerprint, tone: () => 'bad' },
    { heading: 'RUN', text: ({ runId }) => runId, narrow: 'whole' },
  ]
}

function printTable<Row>(
  terminal: Terminal,
  { rows, columns, title }: { rows: readonly Row[]; columns: readonly Column<Row>[]; title: string },
): void {
  if (rows.length === 0) return
  const table = new Table(terminal, columns, rows)
  terminal.print(`\n${terminal.paint('strong', title)}\n${table.head()}${rows.map((row) => table.line(row)).join('')}`.trimEnd())
}

/** The columns of `stats --queues`. */
export const QUEUES: readonly Column<StatsQueue>[] = [
  { heading: 'HANDLER', text: ({ handler }) => handler, narrow: 'whole' },
  { heading: 'RUNNING', text: ({ running }) => countText(running) },
  { heading: 'WAITING', text: ({ waiting }) => countText(waiting) },
  { heading: 'OLDEST', text: ({ oldestMs }) => (oldestMs === undefined ? '' : spanText(oldestMs)) },
  {
    heading: 'WHY',
    text: ({ reasons }) =>
      Object.entries(reasons)
        .map(([reason, count = 0]) => `${reason} ${countText(count)}`)
        .join(', '),
    tone: ({ reasons }) => (reasons['no-instance'] ? 'bad' : 'quiet'),
  },
  {
    heading: 'INSTANCES',
    text: ({ instances, available }) => (instances === available ? String(instances) : `${available} of ${instances}`),
  },
]
