import type { Role, RunView } from '@carillon/contracts'
import { isOpenState } from '../run-states.ts'

export const RUN_ACTIONS = ['cancel', 'retry', 'retryFailed', 'pause', 'resume', 'signal', 'again'] as const
export type RunAction = (typeof RUN_ACTIONS)[number]

/** All actions on a run are for operators: the table of HTTP routes says so, too. */
export const ACTION_ROLE: Role = 'operator'

type Acted = Pick<RunView, 'state' | 'mode' | 'reason'>

/** What can be done with a run in its state; what is likeliest first. */
export function actionsOf({ state, mode, reason }: Acted): readonly RunAction[] {
  const others: readonly RunAction[] = isOpenState(state) ? ['signal', 'again'] : ['again']
  if (state === 'paused') return ['resume', 'cancel', ...others]
  if (state === 'cancelling') return others
  if (isOpenState(state)) return ['cancel', 'pause', ...others]
  const isPartial = mode !== 'single' && (reason === 'tasks-failed' || state === 'failed' || state === 'timed_out')
  return [...(isPartial ? (['retryFailed'] as const) : []), 'retry', ...others]
}
