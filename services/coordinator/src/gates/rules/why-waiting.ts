import { printable } from '@carillon/contracts'
import type { GateRecord, RunHead } from '@carillon/store'
import type { GateLimits } from './gating.ts'
import { opensAt } from './window.ts'

/** Runs that a reason names. */
const SHOWN = 5

/** What holds a run back at its gate, in one sentence. */
export function whyWaiting(
  { job, slot }: Pick<RunHead, 'job' | 'slot'>,
  at: { gate: GateRecord | undefined; open: readonly string[]; limits: GateLimits | undefined; now: number },
): string {
  const { gate, open, limits, now } = at
  const isFull = limits !== undefined && open.length >= limits.max
  const opens = limits?.rate && !isFull ? opensAt(gate?.window?.starts ?? [], limits.rate, now) : undefined
  if (opens !== undefined)
    return `it waits for the rate limit of job ${printable(job)}: the next start is allowed at ${new Date(opens).toISOString()}`
  if (open.length > 0) {
    const more = open.length > SHOWN ? ` and ${open.length - SHOWN} more` : ''
    return `it waits for its turn: of job ${printable(job)} these runs are open: ${open.slice(0, SHOWN).join(', ')}${more}`
  }
  return slot === null ? 'it waits for its turn, which is next' : 'it waits for the time of its slot'
}
