import type { ChildRunView, RunState } from '@carillon/contracts'
import type { RunOptions } from '../client/start-item.ts'

/** Options of a child run: those of a run, but that `key` tells it from others of the same task. */
export interface ChildRunOptions extends RunOptions {
  /** Tells it from other child runs of the task, the same in every attempt. Default: the number of the call. */
  readonly key?: string | undefined
  /** It is only started, and outlives this one: no cancel, failure or pause of it reaches that. The answer is its id. */
  readonly detached?: boolean | undefined
}

/** A run that was started, and is not waited for. */
export interface DetachedRun {
  readonly runId: string
}

/** A child run did not succeed. */
export class ChildRunFailed extends Error {
  override readonly name = 'ChildRunFailed'
  readonly runId: string
  readonly state: RunState

  constructor({ runId, state, failure }: ChildRunView) {
    super(`run ${runId} ended as ${state}${failure ? `: ${failure.message}` : ''}`)
    this.runId = runId
    this.state = state
  }
}
