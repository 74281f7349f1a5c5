import { LIMITS, nextState, statesBefore } from '@carillon/contracts'
import type { LifeHead } from '@carillon/store'
import type { Decision, Refused } from './decision.ts'
import { whyCancelled } from './loss.ts'

/** No decision about it can be stored: it ends as failed, or it would stay open for ever. */
export function decideFault(life: LifeHead, context: { error: { code: string; message: string }; now: number }): Decision | Refused {
  const state = nextState(life.state, 'faulted')
  if (!state) return { refused: 'not-open' }
  const expect = { state: statesBefore('faulted', state), attempt: life.attempt }
  if (state === 'cancelled')
    return { event: 'faulted', expect, set: { wakeAt: null, queuedAt: null, state, reason: whyCancelled(life), endedAt: context.now } }
  const { code, message } = context.error
  const error = { name: code, message: `what became of it could not be stored: ${message.slice(0, LIMITS.errorTextBytes / 2)}` }
  return { event: 'faulted', expect, set: { wakeAt: null, queuedAt: null, state, reason: 'internal-error', error, endedAt: context.now } }
}
