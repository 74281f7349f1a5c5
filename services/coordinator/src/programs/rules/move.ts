import type { LifeHead } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { NO_OWNER } from '../../runs/rules/loss.ts'

/**
 * Another program goes on with it. A queued one begins a further attempt, which uses no try: an instance may have its message, and must not begin.
 * @returns undefined while an instance has it
 */
export function decideMove(life: LifeHead, { to, now }: { to: string; now: number }): Decision | undefined {
  const { state, attempt, target } = life
  if (state === 'running' || state === 'cancelling' || (state === 'queued' && target !== null)) return undefined
  const bound = { program: to, refusedBy: null }
  if (state !== 'queued') return { event: 'checked', expect: { state: [state], attempt }, set: bound }
  const next = { attempt: attempt + 1, attempts: life.attempts + 1, sleeps: (life.sleeps ?? 0) + 1 }
  const set = { ...bound, ...next, ...NO_OWNER, state, reason: null, error: null, pinnedAt: now, queuedAt: now, wakeAt: null }
  return { event: 'released', expect: { state: ['queued'], attempt, owner: [null], target: null }, set }
}
