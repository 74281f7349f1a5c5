import { CarillonError, type ChildRunView, checkName, isEnded } from '@carillon/contracts'
import { type LoopClock, pause } from '@carillon/wire/internal'
import { ChildRunFailed, type DetachedRun } from './child-run-failed.ts'

/** What is asked of a coordinator: it starts the run, unless it is there, and says how it is. @internal */
export interface ChildRunRequest {
  readonly key: string
  readonly step?: number
  readonly detached?: boolean
  readonly run: Record<string, unknown>
}

/** The name of a job, or of what is named by its definition. @throws CarillonError INVALID_NAME, INVALID_REQUEST */
export function nameOf(job: string | { readonly name: string }): string {
  return checkName('job', typeof job === 'string' ? job : job?.name)
}

/** A run is asked for how it is after this, and less and less often. */
const [FIRST_MS, LAST_MS] = [20, 1_000]

/** Waits in this process until the run has ended. @throws ChildRunFailed, the reason of an abort; CarillonError TASK_NOT_RUNNING when the handler has thrown meanwhile */
export async function resultOfChild(
  ask: () => Promise<ChildRunView>,
  { clock, signal, isStopped }: { readonly clock: LoopClock; readonly signal: AbortSignal; readonly isStopped: () => boolean },
): Promise<unknown> {
  for (let pauseMs = FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_MS)) {
    const child = await ask()
    if (isEnded(child.state)) return resultIn(child)
    await pause(clock, pauseMs, signal)
    signal.throwIfAborted()
    // Its failure does not wait for the run, which ends with it, or is found by the next attempt.
    if (isStopped()) throw new CarillonError('TASK_NOT_RUNNING', 'The handler has thrown: its task waits for nothing more')
  }
}

/** @throws ChildRunFailed */
function resultIn(child: ChildRunView): unknown {
  if (child.state === 'succeeded') return child.result ?? null
  throw new ChildRunFailed(child)
}

/** What is known of a run that is not waited for. */
export const startedOf = ({ runId }: ChildRunView): DetachedRun => ({ runId })
