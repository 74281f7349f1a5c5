import { type ChildRunView, checkName, isEnded, type RunState } from '@carillon/contracts'
import { type LoopClock, pause } from '@carillon/wire/internal'
import type { RunOptions } from '../client/start-item.ts'

/** Options of a child run: those of a run, but that `key` tells it from others of the same task. */
export interface ChildRunOptions extends RunOptions {
  /** Tells it from other child runs of the task, the same in every attempt. Default: the number of the call. */
  readonly key?: string | undefined
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

/** What is asked of a coordinator: it starts the run, unless it is there, and says how it is. @internal */
export interface ChildRunRequest {
  readonly key: string
  readonly step?: number
  readonly run: Record<string, unknown>
}

/** The name of a job, or of what is named by its definition. @throws CarillonError INVALID_NAME, INVALID_REQUEST */
export function nameOf(job: string | { readonly name: string }): string {
  return checkName('job', typeof job === 'string' ? job : job?.name)
}

/** A run is asked for how it is after this, and less and less often. */
const [FIRST_MS, LAST_MS] = [20, 1_000]

/** Waits in this process until the run has ended. @throws ChildRunFailed, the reason of an abort */
export async function resultOfChild(
  ask: () => Promise<ChildRunView>,
  { clock, signal }: { readonly clock: LoopClock; readonly signal: AbortSignal },
): Promise<unknown> {
  for (let pauseMs = FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_MS)) {
    const child = await ask()
    if (isEnded(child.state)) return resultIn(child)
    await pause(clock, pauseMs, signal)
    signal.throwIfAborted()
  }
}

/** @throws ChildRunFailed */
function resultIn(child: ChildRunView): unknown {
  if (child.state === 'succeeded') return child.result ?? null
  throw new ChildRunFailed(child)
}
