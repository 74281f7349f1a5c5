import type { EndedState, Reason, StatsMarkKind } from '@carillon/contracts'
import type { ChangeValue, ErrorValue, GaugeValue, RollupValues } from '@carillon/store'
import { fingerprintOf } from './fingerprint.ts'
import { addDistribution, type Counting, emptyDistribution, measure } from './histogram.ts'

/** A slot that is fired later than that is late: a coordinator that takes over needs half as long. */
const LATE_MS = 5_000
/** Kinds of errors that one interval keeps: its document stays small, and a screen shows fewer. */
const ERRORS_KEPT = 20
const MESSAGE_LETTERS = 300
/** Changes of one kind that one interval keeps, the newest: where code declares a thousand jobs, twenty say so. */
export const CHANGES_KEPT = 20

/** The end of a run, as its event says. */
export interface EndedFacts {
  readonly sequence: number
  readonly namespace: string
  readonly runId: string
  readonly job: string | null
  readonly handler: string
  readonly state: EndedState
  readonly reason: Reason
  readonly attempt: number
  readonly at: number
  readonly waitedMs: number | undefined
  readonly ranMs: number | undefined
  readonly lateMs: number | undefined
  readonly retries: number
  readonly failure: { readonly name: string; readonly message: string } | undefined
  /** Its event may have been published before. */
  readonly isRepeated?: true
}

/** A change of a job, as its event says. */
export interface ChangeFacts {
  readonly namespace: string
  readonly job: string
  readonly change: ChangeValue
}

/** Values that are being counted. */
export interface Tally {
  readonly states: Partial<Record<EndedState, number>>
  readonly reasons: Partial<Record<Reason, number>>
  started: number
  retries: number
  late: number
  readonly run: Counting
  readonly wait: Counting
  readonly lateness: Counting
  errors: Record<string, ErrorValue>
  readonly gauges: Record<string, GaugeValue>
  changes?: Readonly<Record<string, ChangeValue>>
}

export const emptyTally = (): Tally => ({
  ...{ states: {}, reasons: {}, started: 0, retries: 0, late: 0, errors: {}, gauges: {} },
  ...{ run: emptyDistribution(), wait: emptyDistribution(), lateness: emptyDistribution() },
})

/** States that are failures of the run. */
const FAILURES: ReadonlySet<EndedState> = new Set(['failed', 'timed_out', 'expired'])

/** Counts the end of a run. */
export function addEnd(tally: Tally, end: EndedFacts): void {
  const { state, reason, waitedMs, ranMs, lateMs } = end
  tally.states[state] = (tally.states[state] ?? 0) + 1
  if (state !== 'succeeded') tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1
  tally.retries += end.retries
  if (ranMs !== undefined) {
    tally.started++
    measure(tally.run, ranMs)
  }
  if (waitedMs !== undefined) measure(tally.wait, waitedMs)
  if (lateMs !== undefined) {
    measure(tally.lateness, lateMs)
    if (lateMs > LATE_MS) tally.late++
  }
  if (end.failure && FAILURES.has(state))
    tally.errors = withErrors(tally.errors, { [fingerprintOf(end.failure)]: errorOf(end, end.failure) })
}

function errorOf({ at, job, handler, runId }: EndedFacts, { name, message }: { name: string; message: string }): ErrorValue {
  return { name, message: message.slice(0, MESSAGE_LETTERS), count: 1, firstAt: at, lastAt: at, job, handler, runId }
}

/** Adds one to another. */
export function addValues(into: Tally, other: RollupValues): void {
  addCounts(into.states, other.states)
  addCounts(into.reasons, other.reasons)
  into.started += other.started
  into.retries += other.retries
  into.late += other.late
  for (const kind of ['run', 'wait', 'lateness'] as const) addDistribution(into[kind], other[kind])
  into.errors = withErrors(into.errors, other.errors)
  for (const [name, gauge] of Object.entries(other.gauges)) into.gauges[name] = laterOf(into.gauges[name], gauge)
  if (other.changes) into.changes = withChanges(into.changes ?? {}, other.changes)
}

/** What identifies a change: its event may be read twice. */
export function changeKey({ kind, at, job, revision, service, version }: ChangeValue): string {
  return kind === 'version' ? `${kind}/${service}/${version}/${at}` : `${kind}/${job}/${revision ?? at}`
}

/** Of each kind the newest ones are kept. */
function withChanges(
  some: Readonly<Record<string, ChangeValue>>,
  others: Readonly<Record<string, ChangeValue>>,
): Readonly<Record<string, ChangeValue>> {
  const kinds = new Map<StatsMarkKind, number>()
  const newestFirst = Object.entries({ ...some, ...others }).sort(([, a], [, b]) => b.at - a.at)
  return Object.fromEntries(
    newestFirst.filter(([, { kind }]) => {
      const count = (kinds.get(kind) ?? 0) + 1
      kinds.set(kind, count)
      return count <= CHANGES_KEPT
    }),
  )
}

function addCounts<Key extends string>(into: Partial<Record<Key, number>>, other: Readonly<Partial<Record<Key, number>>>): void {
  for (const key in other) into[key] = ((into[key] as number | undefined) ?? 0) + ((other[key] as number | undefined) ?? 0)
}

/** Of kinds of errors the most frequent ones are kept. */
function withErrors(errors: Record<string, ErrorValue>, others: Readonly<Record<string, ErrorValue>>): Record<string, ErrorValue> {
  for (const [fingerprint, error] of Object.entries(others)) errors[fingerprint] = togetherWith(errors[fingerprint], error)
  const kinds = Object.entries(errors)
  if (kinds.length <= ERRORS_KEPT) return errors
  return Object.fromEntries(kinds.sort(([, a], [, b]) => b.count - a.count || b.lastAt - a.lastAt).slice(0, ERRORS_KEPT))
}

function togetherWith(one: ErrorValue | undefined, other: ErrorValue): ErrorValue {
  if (!one) return other
  // The same whichever is added to the other.
  const isLater = other.lastAt > one.lastAt || (other.lastAt === one.lastAt && other.runId > one.runId)
  const last = isLater ? other : one
  return { ...last, count: one.count + other.count, firstAt: Math.min(one.firstAt, other.firstAt) }
}

function laterOf(one: GaugeValue | undefined, other: GaugeValue): GaugeValue {
  if (!one) return other
  const { at, last } = other.at >= one.at ? other : one
  return { at, last, max: Math.max(one.max, other.max) }
}

const sum = (counts: Readonly<Partial<Record<string, number>>>) => Object.values(counts).reduce<number>((all, one) => all + (one ?? 0), 0)

/** What a record has beside its values, where it can be added up without reading these. */
export const columnsOf = ({ states, run }: RollupValues) => ({
  ended: sum(states),
  failed: sum(Object.fromEntries(Object.entries(states).filter(([state]) => FAILURES.has(state as EndedState)))),
  runCount: run.count,
  runSumMs: run.sumMs,
  runMaxMs: run.maxMs,
})
