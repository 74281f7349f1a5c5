import { printable } from '@carillon/contracts'
import type { GateRecord, RunHead } from '@carillon/store'
import { ageOf, arrivalOf, type CoalescingFacts, type CoalescingStep } from './decide-coalescing.ts'
import type { GateLimits } from './gating.ts'
import { opensAt } from './window.ts'

/** Runs that a reason names. */
const SHOWN = 5

/** The runs among which a rule holds: those of a job, or those of a handler that were requested with the same rules. */
const among = ({ job, handler }: Pick<RunHead, 'job' | 'handler'>) =>
  job === null ? `of handler ${printable(handler)} with these rules` : `of job ${printable(job)}`

/** What holds a run back at its gate, in one sentence. */
export function whyWaiting(
  run: Pick<RunHead, 'job' | 'handler' | 'slot'>,
  at: { gate: GateRecord | undefined; open: readonly string[]; limits: GateLimits | undefined; now: number },
): string {
  const { gate, open, limits, now } = at
  const isFull = limits !== undefined && open.length >= limits.max
  const opens = limits?.rate && !isFull ? opensAt(gate?.window?.starts ?? [], limits.rate, now) : undefined
  if (opens !== undefined) return `it waits for the rate limit ${among(run)}: the next start is allowed at ${new Date(opens).toISOString()}`
  if (open.length > 0) {
    const more = open.length > SHOWN ? ` and ${open.length - SHOWN} more` : ''
    return `it waits for its turn: ${among(run)} these runs are open: ${open.slice(0, SHOWN).join(', ')}${more}`
  }
  return run.slot === null ? 'it waits for its turn, which is next' : 'it waits for the time of its slot'
}

/** What a run waits for that is to be debounced, throttled or batched. */
export function whyCoalescing(
  run: Pick<RunHead, 'job' | 'handler'>,
  { facts, next }: { facts: CoalescingFacts; next: CoalescingStep },
): string {
  const { rule, oldest, seal, now } = facts
  const of = among(run)
  if (next.step !== 'wait' || !rule || !oldest) return `it waits with other triggers ${of}: what becomes of them is being decided`
  const at = (leftMs: number) => new Date(now + Math.ceil(leftMs)).toISOString()
  if (rule.rule === 'throttle') return `run ${seal?.runId} ${of} started within the period: the last trigger starts at ${at(next.leftMs)}`
  if (rule.rule === 'batch')
    return `it waits for further triggers ${of}: ${rule.count} are one run, those that there are start at ${at(next.leftMs)}`
  const latest = at(rule.maxWaitMs - ageOf(arrivalOf(oldest), facts))
  return `it waits for further triggers ${of}: one run starts at ${at(next.leftMs)} if none comes before, at ${latest} in any case`
}
