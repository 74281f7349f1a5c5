import { RUN_STATES, type RunState } from '@carillon/contracts'
import type { Input } from '../../api/call-request.ts'
import { oneOf, someOf, textOf } from '../../url/search.ts'

export const RUN_RANGES = ['1h', '24h', '7d', '30d'] as const
export type RunRange = (typeof RUN_RANGES)[number]
const HOUR_MS = 3_600_000
const RANGE_MS: Readonly<Record<RunRange, number>> = {
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 7 * 24 * HOUR_MS,
  '30d': 30 * 24 * HOUR_MS,
}

/** When a range begins. */
export const sinceOf = (range: RunRange, now: number): string => new Date(now - RANGE_MS[range]).toISOString()

/** Filters that are a text in the URL and in the call. */
export const TEXT_FILTERS = ['job', 'handler', 'key', 'text', 'instance', 'label'] as const
export type TextFilter = (typeof TEXT_FILTERS)[number]

/** The search of the page of runs: every filter, so a link shows the same to someone else. */
export interface RunsSearch extends Partial<Record<TextFilter, string | undefined>> {
  readonly state?: readonly RunState[] | undefined
  /** Since so long ago. */
  readonly range?: RunRange | undefined
  /** RFC 3339: where the list begins. */
  readonly until?: string | undefined
  readonly time?: 'created' | 'ended' | undefined
  readonly order?: 'newest' | 'oldest' | undefined
}

export function readRunsSearch(search: Readonly<Record<string, unknown>>): RunsSearch {
  const state = someOf(search, 'state', RUN_STATES)
  return {
    ...Object.fromEntries(TEXT_FILTERS.map((name) => [name, textOf(search, name)])),
    state: state.length === 0 ? undefined : state,
    range: oneOf(search, 'range', RUN_RANGES),
    until: textOf(search, 'until'),
    time: oneOf(search, 'time', ['created', 'ended'] as const),
    order: oneOf(search, 'order', ['newest', 'oldest'] as const),
  }
}

export type RunFilterInput = Omit<Input<'runsList'>, 'cursor' | 'limit' | 'order'>

/** The filter as the mesh takes it. @param now a relative time becomes an absolute one: what is counted and changed later is the same */
export function filterOf(search: RunsSearch, now: number): RunFilterInput {
  const { state, range, until, time } = search
  const texts = TEXT_FILTERS.flatMap((name) => (search[name] === undefined ? [] : [[name, search[name]] as const]))
  return {
    ...Object.fromEntries(texts),
    ...(state === undefined ? {} : { state: [...state] }),
    ...(range === undefined ? {} : { since: sinceOf(range, now) }),
    ...(until === undefined ? {} : { until }),
    ...(time === undefined ? {} : { time }),
  }
}

export const hasFilter = (search: RunsSearch): boolean =>
  [...TEXT_FILTERS, 'state', 'range', 'until'].some((name) => search[name as keyof RunsSearch] !== undefined)

interface Listed {
  readonly job?: string | undefined
  readonly handler: string
  readonly state: RunState
}

/** Whether a run that the stream tells of could be in the list; filters that need the store are passed over. */
export function mayMatch({ job, handler, state, key, text, label, until, order }: RunsSearch, run: Listed): boolean {
  if (key !== undefined || text !== undefined || label !== undefined || until !== undefined || order === 'oldest') return false
  return (
    (job === undefined || job === run.job) &&
    (handler === undefined || handler === run.handler) &&
    (state === undefined || state.includes(run.state))
  )
}
