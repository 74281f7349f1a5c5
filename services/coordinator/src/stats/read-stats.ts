import type {
  StatsCompared,
  StatsComparison,
  StatsCounts,
  StatsGauges,
  StatsJob,
  StatsOverview,
  StatsPoint,
  StatsRange,
  StatsRanked,
} from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { ChangeValue, RollupRecord, RollupSum, Store } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import { checkZone } from '../schedules/rules/zone.ts'
import { RankedSums } from './ranked-sums.ts'
import { EVERYTHING } from './rules/group-ends.ts'
import { durationsOf, rounded } from './rules/histogram.ts'
import { comparedIntervals, type Intervals, intervalsOf, startOf, WIDTHS } from './rules/intervals.ts'
import { MARK_ID, markOf } from './rules/mark.ts'
import { marksOf } from './rules/marks.ts'
import { addValues, columnsOf, emptyTally, type Tally } from './rules/rollup.ts'

const SHOWN = 10

interface Question {
  readonly range: StatsRange
  readonly zone: string
  readonly compare?: StatsComparison | undefined
}

/** Answers from what was counted: 30 to 720 documents of one scope, and sums of all jobs. No run is read. */
export class ReadStats {
  readonly #stats: Store['stats']
  readonly #jobs: Store['jobs']
  readonly #ranked: RankedSums
  readonly #clock: Clock

  constructor(options: { store: Pick<Store, 'stats' | 'jobs'>; clock: Clock }) {
    this.#stats = options.store.stats
    this.#jobs = options.store.jobs
    this.#ranked = new RankedSums(options)
    this.#clock = options.clock
  }

  /** @throws CarillonError INVALID_TIME_ZONE */
  async overview(namespace: string, question: Question): Promise<StatsOverview> {
    const intervals = this.#intervals(question)
    const { level, from } = intervals.ranked
    const [mark] = await this.#stats.get([MARK_ID])
    const [series, sums] = await Promise.all([
      this.#series(namespace, { ...question, scope: EVERYTHING, intervals }),
      this.#ranked.of({ namespace, level, from, before: this.#end() }, mark && markOf(mark)),
    ])
    const mean = ({ runSumMs, runCount }: RollupSum) => (runCount === 0 ? 0 : runSumMs / runCount)
    return {
      ...series,
      slowest: sums
        .filter(({ runCount }) => runCount > 0)
        .sort((a, b) => mean(b) - mean(a))
        .slice(0, SHOWN)
        .map(rankedOf),
      failing: sums
        .filter(({ failed }) => failed > 0)
        .sort((a, b) => b.failed - a.failed)
        .slice(0, SHOWN)
        .map(rankedOf),
      rankedFrom: isoOf(from),
    }
  }

  /** @throws CarillonError INVALID_TIME_ZONE */
  async job(namespace: string, { name, ...question }: Question & { name: string }): Promise<StatsJob> {
    const intervals = this.#intervals(question)
    const [series, changes] = await Promise.all([
      this.#series(namespace, { ...question, scope: `job:${name}`, intervals }),
      this.#changesOf(namespace, name, intervals.starts),
    ])
    return { name, ...series, marks: marksOf(changes, { starts: intervals.starts, now: this.#clock.now() }) }
  }

  /** Changes of a job, and versions of services that offer its handler. */
  async #changesOf(namespace: string, name: string, starts: readonly number[]): Promise<ChangeValue[]> {
    const days = { namespace, level: 'day', from: startOf('day', starts[0] as number), before: this.#end() } as const
    const [own, all, [job]] = await Promise.all([
      this.#stats.series({ ...days, scope: `job:${name}` }),
      this.#stats.series({ ...days, scope: EVERYTHING }),
      this.#jobs.get([jobId(namespace, name)]),
    ])
    const versions = changesIn(all).filter(({ handlers }) => job !== undefined && handlers?.includes(job.handler))
    return [...changesIn(own), ...versions]
  }

  #intervals({ range, zone }: Question): Intervals {
    checkZone(zone, 'zone')
    return intervalsOf(range, { zone, now: this.#clock.now() })
  }

  /** A coordinator whose clock is ahead may have counted in the next interval already. */
  #end(): number {
    return this.#clock.now() + WIDTHS.minute
  }

  async #series(namespace: string, { scope, intervals, ...question }: Question & { scope: string; intervals: Intervals }) {
    const { range, zone } = question
    const { level, starts, stepMs } = intervals
    const from = starts[0] as number
    const [records, [mark], compared] = await Promise.all([
      this.#stats.series({ namespace, scope, level, from, before: this.#end() }),
      this.#stats.get([MARK_ID]),
      this.#compared(namespace, { ...question, scope }),
    ])
    const tallies = tallied(records, starts)
    const total = emptyTally()
    for (const tally of tallies) addValues(total, tally)
    const now = this.#clock.now()
    return {
      ...{ range, zone, from: isoOf(from), to: isoOf(now), stepMs },
      ...(mark ? { countedAt: isoOf(markOf(mark).at), countedMsAgo: Math.max(0, now - markOf(mark).at) } : {}),
      totals: countsOf(total),
      points: tallies.map((tally, i) => pointOf(tally, starts[i] as number)),
      errors: errorsOf(total),
      marks: marksOf(changesIn(records), { starts, now }),
      ...(compared ? { compared } : {}),
    }
  }

  /** The same hours, earlier. */
  async #compared(namespace: string, { range, zone, compare, scope }: Question & { scope: string }): Promise<StatsCompared | undefined> {
    if (compare === undefined) return undefined
    const { level, starts, stepMs, offsetMs, before } = comparedIntervals(range, { zone, now: this.#clock.now(), compare })
    const from = starts[0] as number
    const records = await this.#stats.series({ namespace, scope, level, from, before })
    const tallies = tallied(records, starts)
    const total = emptyTally()
    for (const tally of tallies) addValues(total, tally)
    return {
      ...{ offsetMs, from: isoOf(from), to: isoOf(before), stepMs },
      totals: countsOf(total),
      points: tallies.map((tally, i) => ({ at: isoOf(starts[i] as number), ...countsOf(tally) })),
    }
  }
}

const changesIn = (records: readonly RollupRecord[]): ChangeValue[] => records.flatMap(({ values }) => Object.values(values.changes ?? {}))

/** Records by the interval that they lie in; both ascend. */
function tallied(records: readonly RollupRecord[], starts: readonly number[]): Tally[] {
  const tallies = starts.map(emptyTally)
  let i = 0
  for (const { start, values } of records) {
    while (i + 1 < starts.length && (starts[i + 1] as number) <= start) i++
    addValues(tallies[i] as Tally, values)
  }
  return tallies
}

function countsOf(tally: Tally): StatsCounts {
  const { states, reasons, started, retries, late } = tally
  return {
    ended: columnsOf(tally).ended,
    ...{ states, reasons, started, retries, late },
    ...{ runMs: durationsOf(tally.run), waitMs: durationsOf(tally.wait), lateMs: durationsOf(tally.lateness) },
  }
}

function pointOf(tally: Tally, start: number): StatsPoint {
  const { running, queued, oldestMs, instances } = tally.gauges
  const gauges = running && queued && oldestMs && instances ? { running, queued, oldestMs, instances } : undefined
  return { at: isoOf(start), ...countsOf(tally), ...(gauges ? { gauges: gaugesOf(gauges) } : {}) }
}

function gaugesOf(gauges: StatsGauges): StatsGauges {
  const view = ({ last, max }: StatsGauges['running']) => ({ last, max })
  return { running: view(gauges.running), queued: view(gauges.queued), oldestMs: view(gauges.oldestMs), instances: view(gauges.instances) }
}

function errorsOf({ errors }: Tally): StatsOverview['errors'] {
  const groups = Object.entries(errors).sort(([, a], [, b]) => b.count - a.count || b.lastAt - a.lastAt)
  return groups.slice(0, SHOWN).map(([fingerprint, { job, handler, firstAt, lastAt, ...error }]) => ({
    fingerprint,
    ...error,
    ...{ firstAt: isoOf(firstAt), lastAt: isoOf(lastAt) },
    ...(job === null ? { handler } : { job }),
  }))
}

function rankedOf({ scope, ended, failed, runCount, runSumMs, runMaxMs }: RollupSum): StatsRanked {
  const [kind, name] = [scope.slice(0, scope.indexOf(':')), scope.slice(scope.indexOf(':') + 1)]
  const runMs = runCount === 0 ? { count: 0 } : { count: runCount, mean: rounded(runSumMs / runCount), max: runMaxMs }
  return { ...(kind === 'job' ? { job: name } : { handler: name }), ended, failed, runMs }
}

const isoOf = (ms: number) => new Date(ms).toISOString()
