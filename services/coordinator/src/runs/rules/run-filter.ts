import { type AppliedFilter, type ListRuns, type RunFilter as RequestedFilter, UNSUCCESSFUL_STATES } from '@carillon/contracts'
import type { RunFilter, RunRecord } from '@carillon/store'

/** Which handlers and instances a request is about, as far as that depends on who is alive. */
export interface LiveNames {
  readonly handlers?: readonly string[] | undefined
  readonly owners?: readonly string[] | undefined
}

const listOf = <Value extends string>(value: Value | readonly Value[] | undefined): readonly Value[] | undefined =>
  typeof value === 'string' ? [value] : value

const ms = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time))
const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString())

/** A filter as the store takes it. */
export function storeFilter(namespace: string, requested: RequestedFilter, live: LiveNames): RunFilter {
  const isByEnd = requested.time === 'ended'
  return {
    namespace,
    job: requested.job,
    states: listOf(requested.state) ?? (isByEnd ? UNSUCCESSFUL_STATES : undefined),
    triggers: listOf(requested.trigger),
    time: isByEnd ? 'endedAt' : 'createdAt',
    since: ms(requested.since),
    until: ms(requested.until),
    text: requested.text,
    ...live,
  }
}

/** What of a request counts in the end, for its caller. */
export function appliedOf({ time, since, until, states }: RunFilter, order?: ListRuns['order']): AppliedFilter {
  const fields = { time: time === 'endedAt' ? 'ended' : 'created', since: iso(since), until: iso(until), states, order }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as AppliedFilter
}

/** Whether a run that was found by its key passes the other filters. */
export function accepts(filter: RunFilter, run: RunRecord): boolean {
  const { job, states, triggers, handlers, owners, time = 'createdAt', since, until, text } = filter
  const at = run[time]
  const among = (names: readonly string[] | undefined, name: string | null) =>
    names === undefined || (name !== null && names.includes(name))
  return (
    (job === undefined || run.job === job) &&
    among(states, run.state) &&
    among(triggers, run.trigger) &&
    among(handlers, run.handler) &&
    among(owners, run.owner) &&
    at !== null &&
    (since === undefined || at >= since) &&
    (until === undefined || at < until) &&
    (text === undefined || textsOf(run).some((part) => part.includes(text)))
  )
}

const textsOf = ({ key, payload, error }: RunRecord): string[] =>
  [key, payload, error?.name, error?.message, error?.code, error?.stack].filter((part) => typeof part === 'string')
