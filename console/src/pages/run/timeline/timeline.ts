import type { RunView } from '@carillon/contracts'

export interface TimelineStep {
  readonly kind: 'created' | 'due' | 'paused' | 'ended' | 'now'
  readonly at: string
}

/** A stretch of a run's life: it waited, an attempt that failed ran, or the last attempt did. Attempts that are not known one by one are `earlier`. */
export interface TimelinePhase {
  readonly kind: 'waited' | 'failed' | 'earlier' | 'ran'
  readonly ms: number
  /** Of the whole, from 0 to 1. */
  readonly share: number
}

export interface Attempt {
  readonly attempt: number
  readonly startedAt?: string | undefined
  /** Absent: it is under way. */
  readonly endedAt?: string | undefined
  readonly instance?: string | undefined
  /** Absent: the current one, whose state is that of the run. */
  readonly failure?: { readonly name: string; readonly message: string }
}

export interface Timeline {
  readonly steps: readonly TimelineStep[]
  readonly phases: readonly TimelinePhase[]
  readonly attempts: readonly Attempt[]
}

type Lived = Pick<
  RunView,
  'createdAt' | 'dueAt' | 'firstStartedAt' | 'startedAt' | 'pausedAt' | 'endedAt' | 'attempt' | 'instance' | 'failed' | 'retry'
>

/** What a run has gone through, in order, and how long each part took. @param now ends what is not over */
export function timelineOf(run: Lived, now: number): Timeline {
  const { createdAt, dueAt, startedAt, pausedAt, endedAt, attempt, instance } = run
  const given: readonly (readonly [TimelineStep['kind'], string | undefined])[] = [
    ['created', createdAt],
    ['due', dueAt],
    ['paused', pausedAt],
    endedAt === undefined ? ['now', new Date(now).toISOString()] : ['ended', endedAt],
  ]
  const steps = given.flatMap(([kind, at]) => (at === undefined ? [] : [{ kind, at }])).sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const failed = (run.failed ?? run.retry?.failed ?? []).filter((one) => one.attempt < attempt)
  const attempts: Attempt[] = failed.map(({ at, name, message, ...rest }) => ({ ...rest, endedAt: at, failure: { name, message } }))
  if (startedAt !== undefined) attempts.push({ attempt, startedAt, endedAt, instance })
  return { steps, phases: phasesOf(run, attempts, endedAt === undefined ? now : Date.parse(endedAt)), attempts }
}

function phasesOf({ createdAt, firstStartedAt, startedAt }: Lived, attempts: readonly Attempt[], end: number): TimelinePhase[] {
  const parts: { readonly kind: TimelinePhase['kind']; readonly ms: number }[] = []
  let at = Date.parse(createdAt)
  const upTo = (kind: TimelinePhase['kind'], time: number) => {
    if (time > at) parts.push({ kind, ms: time - at })
    at = Math.max(at, time)
  }
  const [first] = attempts
  // Attempts of which nothing is known: of a run that slept, or of an earlier version.
  if (firstStartedAt !== undefined && startedAt !== undefined && first?.failure === undefined) {
    upTo('waited', Date.parse(firstStartedAt))
    upTo('earlier', Date.parse(startedAt))
  }
  for (const one of attempts) {
    if (one.startedAt !== undefined) upTo('waited', Date.parse(one.startedAt))
    upTo(one.failure === undefined ? 'ran' : 'failed', one.endedAt === undefined ? end : Date.parse(one.endedAt))
  }
  if (attempts.at(-1)?.failure !== undefined || attempts.length === 0) upTo('waited', end)
  const whole = parts.reduce((sum, { ms }) => sum + ms, 0)
  return parts.map((part) => ({ ...part, share: part.ms / whole }))
}
