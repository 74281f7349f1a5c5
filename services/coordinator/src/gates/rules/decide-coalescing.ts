import { isEnded, nextState, type Reason } from '@carillon/contracts'
import type { GateSeal, RunHead } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { ended } from '../../runs/rules/loss.ts'
import type { ElapsedTime } from '../../runs/rules/timing.ts'
import { type Coalescing, isCoalescing } from './coalescing.ts'
import { isOvertaken } from './stream-order.ts'

/** What is known of a gate of debounce, throttle or batches. */
export interface CoalescingFacts {
  /** Undefined: the job has no such rule any more. */
  readonly rule: Coalescing | undefined
  /** What was decided last. */
  readonly seal: GateSeal | undefined
  /** The run that it names, unless that is of a batch. */
  readonly leader: RunHead | undefined
  /** Of the runs that wait. */
  readonly oldest: RunHead | undefined
  readonly newest: RunHead | undefined
  /** Of a batch: the run that makes it full. */
  readonly last: RunHead | undefined
  readonly now: number
  readonly elapsed: ElapsedTime
}

/** What is done next at such a gate. */
export type CoalescingStep =
  /** Nothing waits. `leftMs`: what was decided last still counts for so long. */
  | { readonly step: 'idle'; readonly leftMs: number }
  | { readonly step: 'wait'; readonly leftMs: number }
  /** One run starts for those that wait. */
  | { readonly step: 'seal' }
  /** The run of the seal starts, and the others end. */
  | { readonly step: 'finish' }
  /** The run of the seal has ended before it could start: another one takes its place. */
  | { readonly step: 'unseal' }
  /** What came within the period, or is older than what has started, ends: the run of the seal stands for it. */
  | { readonly step: 'merge' }
  /** They start one by one. */
  | { readonly step: 'pass' }

/** A clock of another coordinator may be ahead by this much. A time that is farther ahead was stored by a clock that was set back since: it is long ago. */
const TOLERATED_MS = 3_000

/** How long ago a stored time was, whatever clocks were set to since. */
export function ageOf(time: number, { now, elapsed }: Pick<CoalescingFacts, 'now' | 'elapsed'>): number {
  const ageMs = elapsed.since(time)
  return ageMs <= 0 && time > now + TOLERATED_MS ? Number.POSITIVE_INFINITY : ageMs
}

/** A message that a stopped coordinator held is delivered again within ten seconds; after some such failures it is taken for a trigger of its own. */
const LATE_MS = 60_000

/** When a run arrived at its gate. */
export const arrivalOf = ({ terms, createdAt }: Pick<RunHead, 'terms' | 'createdAt'>): number => terms?.arrivedAt ?? createdAt

/** What is done next. A step that is done again, or by two coordinators, changes nothing. */
export function decideCoalescing(facts: CoalescingFacts): CoalescingStep {
  const { rule, seal, oldest } = facts
  if (seal?.members) return { step: 'finish' }
  const isUnfinished = seal !== undefined && oldest !== undefined && (oldest.gateOrder ?? 0) <= seal.through
  if (seal && isVoid(facts, { isUnfinished })) return { step: 'unseal' }
  if (isUnfinished) return { step: 'finish' }
  const periodLeftMs = rule?.rule === 'throttle' && seal?.rule === 'throttle' ? rule.periodMs - ageOf(seal.at, facts) : 0
  if (!oldest) return { step: 'idle', leftMs: Math.max(0, periodLeftMs, seal?.newest ? LATE_MS - ageOf(seal.at, facts) : 0) }
  if (!rule) return { step: 'pass' }
  if (seal && isCovered(oldest, seal, facts)) return { step: 'merge' }
  const leftMs = rule.rule === 'throttle' ? periodLeftMs : leftOf(rule, oldest, facts)
  return leftMs <= 0 ? { step: 'seal' } : { step: 'wait', leftMs }
}

function leftOf(rule: Exclude<Coalescing, { rule: 'throttle' }>, oldest: RunHead, facts: CoalescingFacts): number {
  const waitedMs = ageOf(arrivalOf(oldest), facts)
  if (rule.rule === 'batch') return facts.last ? 0 : rule.periodMs - waitedMs
  const quietMs = ageOf(arrivalOf(facts.newest ?? oldest), facts)
  return Math.min(rule.periodMs - quietMs, rule.maxWaitMs - waitedMs)
}

/** The run of the seal stands for it, although it came later. */
export function isCovered(run: RunHead, seal: GateSeal, facts: Pick<CoalescingFacts, 'rule' | 'now' | 'elapsed'>): boolean {
  const { rule } = facts
  return isOvertaken(run, { rule, seal }) || (rule?.rule === 'throttle' && rule.payload === 'first' && isWithin(run, seal, facts))
}

/** Throttled: it came before the period was over that began with the seal. */
function isWithin(run: RunHead, seal: GateSeal, facts: Pick<CoalescingFacts, 'rule' | 'now' | 'elapsed'>): boolean {
  if (facts.rule?.rule !== 'throttle' || seal.rule !== 'throttle') return false
  return ageOf(seal.at, facts) - ageOf(arrivalOf(run), facts) < facts.rule.periodMs
}

/** A run leaves the gate when it starts, or waits for its place. One that has ended at the gate never will: it was cancelled, or its deadline came. */
function isVoid({ leader, rule }: CoalescingFacts, { isUnfinished }: { isUnfinished: boolean }): boolean {
  if (!isUnfinished && rule?.rule !== 'throttle') return false
  return leader ? isCoalescing(leader.gate) && isEnded(leader.state) : isUnfinished
}

const REASONS_OF = { debounce: 'debounced', throttle: 'throttled', batch: 'batched' } as const satisfies Record<GateSeal['rule'], Reason>
const NAMES = { debounce: 'Debounced', throttle: 'Throttled', batch: 'Batched' } as const satisfies Record<GateSeal['rule'], string>

/** A waiting run ends, because another one starts for it. */
export function decideMerge(run: RunHead, { seal, now }: { seal: GateSeal; now: number }): Decision {
  const state = nextState('waiting', 'discarded')
  const error = { name: NAMES[seal.rule], message: whyMerged(seal) }
  return {
    event: 'discarded',
    expect: { state: ['waiting'], attempt: run.attempt, gate: run.gate },
    set: {
      ...ended,
      ...(state ? { state } : {}),
      reason: REASONS_OF[seal.rule],
      error,
      terms: { ...run.terms, mergedInto: seal.runId },
      endedAt: now,
    },
  }
}

function whyMerged({ rule, runId }: GateSeal): string {
  if (rule === 'debounce') return `run ${runId} starts for all triggers that followed one another within the period`
  if (rule === 'throttle') return `run ${runId} starts for all triggers within the period`
  return `its payload is part of the payload of run ${runId}`
}
