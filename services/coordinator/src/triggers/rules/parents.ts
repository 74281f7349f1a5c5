import type { ParentJob, RunState } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'

const FAILED: ReadonlySet<RunState> = new Set(['failed', 'timed_out', 'expired'])
const ENDED: ReadonlySet<RunState> = new Set(['succeeded', 'cancelled', ...FAILED])

/** Whether an end of a parent fires a job that follows it; a slot that was skipped is no end. */
export function firesAfter(when: ParentJob['when'], state: RunState): boolean {
  if (when === 'ended') return ENDED.has(state)
  return when === 'failed' ? FAILED.has(state) : state === 'succeeded'
}

/** The payload of a child: the job's own, if that is an object, and `parent`. */
export function payloadOfChild(own: unknown, run: RunHead & { readonly result?: string | null }) {
  const { id: runId, job, state, reason, error, result } = run
  const failure = error === null ? {} : { failure: { name: error.name, message: error.message } }
  const parent = { job, runId, state, reason, result: result ? (JSON.parse(result) as unknown) : null, ...failure }
  return typeof own === 'object' && own !== null && !Array.isArray(own) ? { ...own, parent } : { parent }
}
