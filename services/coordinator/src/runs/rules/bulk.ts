import { type BulkAction, isEnded, type RunsBulk } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'

/** Why a run is left as it is. */
export interface Unsuited {
  /** That of the error which its own call would answer, or `ALREADY` or `CHANGED_SINCE`. */
  readonly code: string
  readonly message: string
}

const ENDED: Unsuited = { code: 'RUN_ENDED', message: 'it has ended' }
const already = (message: string): Unsuited => ({ code: 'ALREADY', message })

/** Undefined: the action suits the run, as far as its record says. @param asOf what has happened to it since then is left alone */
export function unsuited(action: BulkAction, run: Pick<RunHead, 'state' | 'endedAt' | 'parentTask'>, asOf: number): Unsuited | undefined {
  const { state } = run
  if (action === 'retry' || action === 'retry-failed') {
    if (!isEnded(state)) return { code: 'RUN_OPEN', message: 'it has not ended' }
    if (state === 'succeeded') return { code: 'NOTHING_FAILED', message: 'it has succeeded' }
    if (run.parentTask !== null) return { code: 'CHILD_RUN', message: 'it is within another run, with which it is retried' }
    return (run.endedAt ?? 0) > asOf ? { code: 'CHANGED_SINCE', message: 'it has ended since the request began' } : undefined
  }
  if (isEnded(state)) return ENDED
  if (action === 'cancel') return state === 'cancelling' ? already('it is being cancelled') : undefined
  if (action === 'resume') return state === 'paused' ? undefined : already('it is not paused')
  if (state === 'cancelling') return { code: 'RUN_NOT_PAUSABLE', message: 'it is being cancelled' }
  return state === 'paused' ? already('it is paused') : undefined
}

/** Runs of which an answer names a few. */
const EXAMPLES = 5

/** The runs that are left as they are, by the reason. */
export class Skipped {
  readonly #byCode = new Map<string, { readonly message: string; count: number; readonly examples: string[] }>()

  add({ code, message }: Unsuited, runId: string): void {
    const known = this.#byCode.get(code) ?? { message, count: 0, examples: [] }
    this.#byCode.set(code, known)
    known.count++
    if (known.examples.length < EXAMPLES) known.examples.push(runId)
  }

  list(): RunsBulk['skipped'] {
    return [...this.#byCode].map(([code, rest]) => ({ code, ...rest }))
  }
}
