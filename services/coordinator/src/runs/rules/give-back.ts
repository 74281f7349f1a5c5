import { type Failure, nextState, type Reason, statesBefore } from '@carillon/contracts'
import type { LifeHead, Refusals } from '@carillon/store'
import type { Decision, Refused } from './decision.ts'
import { furtherAttempt } from './further-attempt.ts'
import { bounded, ended, NO_LOSSES, NO_OWNER, whyCancelled } from './loss.ts'

/**
 * The program of its instance does not fit it, or refuses its payload: it waits for another one, as a further attempt that uses no try. A number of its own
 * distinguishes late reports.
 */
export function decideToGiveBack(
  life: LifeHead,
  error: Failure,
  { instance, reason, refusedBy, now }: { instance: string; reason: Reason; refusedBy: Refusals; now: number },
): Decision | Refused {
  const state = nextState(life.state, 'returned')
  if (state === undefined) return { refused: 'not-open' }
  // Another coordinator may be storing its start at the same moment.
  const before = statesBefore('returned', state)
  const expect = { state: before, attempt: life.attempt, owner: [null, instance] }
  if (state === 'cancelled')
    return { event: 'returned', expect, set: { ...ended, state, reason: whyCancelled(life), owner: instance, endedAt: now } }
  return {
    event: 'returned',
    expect,
    set: {
      ...{ state, reason, error: bounded(error), refusedBy, pinnedAt: now, queuedAt: now, wakeAt: null, progress: null },
      ...furtherAttempt(life),
      ...{ startedAt: null, firstStartedAt: life.firstStartedAt ?? life.startedAt ?? now },
      ...NO_OWNER,
      ...NO_LOSSES,
    },
  }
}
