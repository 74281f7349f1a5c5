import type { RunView } from '@carillon/contracts'

export interface TimelineStep {
  readonly kind: 'created' | 'due' | 'first' | 'attempt' | 'paused' | 'ended' | 'now'
  readonly at: string
}

export interface TimelinePhase {
  readonly kind: 'waited' | 'earlier' | 'ran'
  readonly ms: number
  /** Of the whole, from 0 to 1. */
  readonly share: number
}

export interface Timeline {
  readonly steps: readonly TimelineStep[]
  readonly phases: readonly TimelinePhase[]
}

type Lived = Pick<RunView, 'createdAt' | 'dueAt' | 'firstStartedAt' | 'startedAt' | 'pausedAt' | 'endedAt'>

/** What a run has gone through, in order, and how long each part took. @param now ends what is not over */
export function timelineOf(run: Lived, now: number): Timeline {
  const { createdAt, dueAt, firstStartedAt, startedAt, pausedAt, endedAt } = run
  const given: readonly (readonly [TimelineStep['kind'], string | undefined])[] = [
    ['created', createdAt],
    ['due', dueAt],
    ['first', firstStartedAt ?? startedAt],
    ['attempt', firstStartedAt === undefined ? undefined : startedAt],
    ['paused', pausedAt],
    endedAt === undefined ? ['now', new Date(now).toISOString()] : ['ended', endedAt],
  ]
  const steps = given.flatMap(([kind, at]) => (at === undefined ? [] : [{ kind, at }])).sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const end = endedAt === undefined ? now : Date.parse(endedAt)
  const [created, last] = [Date.parse(createdAt), startedAt === undefined ? end : Date.parse(startedAt)]
  const first = firstStartedAt === undefined ? last : Date.parse(firstStartedAt)
  const parts = [
    { kind: 'waited' as const, ms: first - created },
    { kind: 'earlier' as const, ms: last - first },
    { kind: 'ran' as const, ms: end - last },
  ].map(({ kind, ms }) => ({ kind, ms: Math.max(0, ms) }))
  const whole = parts.reduce((sum, { ms }) => sum + ms, 0)
  return { steps, phases: parts.filter(({ ms }) => ms > 0).map((part) => ({ ...part, share: whole === 0 ? 0 : part.ms / whole })) }
}
