import type { Reason, RunState, StatsQueue, WaitingReason } from '@carillon/contracts'

/** Of each kind so many are read: counting a million would take seconds, and nobody acts otherwise on "more than 10,000". */
export const OPEN_AT_MOST = 10_000

/** An open run, or a task of a fan-out run. */
export interface OpenLife {
  readonly id: string
  readonly runId: string
  readonly namespace: string
  readonly job: string | null
  readonly handler: string
  readonly state: RunState
  readonly reason: Reason | null
  readonly gate: string | null
  readonly gateKey: string | null
  /** Since when it waits. */
  readonly since: number
  /** An instance runs it. False: a fan-out run, whose tasks are counted. */
  readonly isTask: boolean
}

/** Who offers a handler. */
export interface Offering {
  readonly instances: number
  readonly available: number
}

const NOT_STARTABLE: ReadonlySet<Reason | null> = new Set<Reason>(['no-instance', 'no-compatible-instance', 'payload-refused'])

/** Why something waits; undefined: it does not. */
export function waitingReason({ state, reason, isTask }: OpenLife, { available }: Offering): WaitingReason | undefined {
  if (state === 'waiting') return 'gate'
  if (state === 'paused') return 'paused'
  if (state === 'delayed') return 'delayed'
  if (state !== 'queued' || !isTask) return undefined
  return available === 0 || NOT_STARTABLE.has(reason) ? 'no-instance' : 'queued'
}

interface Counted {
  waiting: number
  running: number
  readonly reasons: Partial<Record<WaitingReason, number>>
  oldest: OpenLife | undefined
}

/** What waits and runs in one namespace, by handler. @param offered handlers that instances offer, also those without work */
export function queuesOf(
  lives: readonly OpenLife[],
  { at, offered, offeringOf }: { at: number; offered: readonly string[]; offeringOf: (handler: string) => Offering },
): StatsQueue[] {
  const counted = new Map<string, Counted & { readonly offering: Offering }>()
  const of = (handler: string) => {
    const known = counted.get(handler) ?? { waiting: 0, running: 0, reasons: {}, oldest: undefined, offering: offeringOf(handler) }
    counted.set(handler, known)
    return known
  }
  for (const handler of offered) of(handler)
  for (const life of lives) {
    const queue = of(life.handler)
    if (life.isTask && (life.state === 'running' || life.state === 'cancelling')) queue.running++
    const reason = waitingReason(life, queue.offering)
    if (reason === undefined) continue
    queue.reasons[reason] = (queue.reasons[reason] ?? 0) + 1
    if (reason === 'paused' || reason === 'delayed') continue
    queue.waiting++
    if (!queue.oldest || life.since < queue.oldest.since) queue.oldest = life
  }
  return [...counted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([handler, { waiting, running, reasons, oldest, offering }]) => ({
      handler,
      ...{ waiting, reasons, running, ...offering },
      ...(oldest ? { oldestMs: Math.max(0, at - oldest.since), oldestRunId: oldest.runId } : {}),
    }))
}

/** Sums over the handlers of a namespace. */
export function gaugesOf(queues: readonly StatsQueue[]): { running: number; queued: number; oldestMs: number } {
  return {
    running: queues.reduce((sum, { running }) => sum + running, 0),
    queued: queues.reduce((sum, { reasons }) => sum + (reasons.queued ?? 0) + (reasons['no-instance'] ?? 0), 0),
    oldestMs: Math.max(0, ...queues.map(({ oldestMs = 0 }) => oldestMs)),
  }
}
