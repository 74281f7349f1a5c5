import type { RunState, RunView } from '@carillon/contracts'
import { isEnded, OPEN_STATES } from '@carillon/contracts'

export const isOpenState = (state: RunState): boolean => !isEnded(state)

/** How far a state is in a life: of two views of the same attempt the one that is further counts. */
const ORDER: readonly RunState[] = OPEN_STATES
const rank = (state: RunState): number => (isEnded(state) ? ORDER.length : ORDER.indexOf(state))

/** What the stream says about a run: `live.run` and `event.run`. */
export interface RunChange extends Partial<Pick<RunView, 'instance' | 'reason' | 'startedAt' | 'createdAt' | 'progress'>> {
  readonly state: RunState
  readonly attempt: number
  /** When it ended: of an end. */
  readonly at?: string
}

/** Whether what the stream says is older than what is shown. */
export function isStale(shown: Pick<RunView, 'state' | 'attempt'>, change: RunChange): boolean {
  if (change.attempt !== shown.attempt) return change.attempt < shown.attempt
  return rank(change.state) < rank(shown.state) && isEnded(shown.state) && change.state !== 'queued'
}

type Patched = Pick<RunView, 'state' | 'attempt' | 'progress' | 'instance' | 'reason' | 'startedAt' | 'endedAt'>

/** A run as it is after a change; what the change does not say stays. */
export function patchRun<Run extends Patched>(shown: Run, change: RunChange): Run {
  if (isStale(shown, change)) return shown
  const { state, attempt, at, instance, reason, startedAt } = change
  const { endedAt: _ended, progress: before, ...rest } = shown
  const progress = change.progress ?? (attempt === shown.attempt ? before : undefined)
  const endedAt = isEnded(state) ? (at ?? shown.endedAt) : undefined
  const said = Object.fromEntries(
    Object.entries({ progress, instance, reason, startedAt, endedAt }).filter(([, value]) => value !== undefined),
  )
  return { ...rest, state, attempt, ...said } as Run
}
