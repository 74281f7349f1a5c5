import type { LifeHead } from '@carillon/store'
import type { Decision } from '../../runs/rules/decision.ts'
import { furtherAttempt } from '../../runs/rules/further-attempt.ts'
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
  const set = {
    ...bound,
    ...furtherAttempt(life),
    ...NO_OWNER,
    state,
    reason: null,
    error: null,
    pinnedAt: now,
    queuedAt: now,
    wakeAt: null,
  }
  return { event: 'released', expect: { state: ['queued'], attempt, owner: [null], target: null }, set }
}
