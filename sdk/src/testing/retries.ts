import { type FinishedReport, parseInput, type StartRun, startRunSchema } from '@carillon/contracts'
import type { Run } from './life.ts'

const KEPT = 20
const MESSAGE_LETTERS = 200

/** A try of a retry that failed is noted, as coordinators do. */
export function noteFailedTry(run: Run, { attempt, error }: FinishedReport, now: number): void {
  if (run.retry === undefined || error === undefined) return
  const failed = { attempt, at: new Date(now).toISOString(), name: error.name, message: error.message.slice(0, MESSAGE_LETTERS) }
  run.failed = [...run.failed, failed].slice(-KEPT)
}

/** What a retry starts at its end, if anything: one that was cancelled calls nobody. */
export function callbackOf(run: Run): StartRun | undefined {
  const { id: runId, handler: scene, key, state, reason, attempt, attempts, tries, retry, failure, result = null } = run
  const isExhausted = state === 'failed' || state === 'timed_out' || state === 'expired'
  const callback = state === 'succeeded' ? retry?.onSuccess : isExhausted ? retry?.onExhausted : undefined
  if (retry === undefined || callback === undefined) return undefined
  const outcome = isExhausted ? 'exhausted' : 'succeeded'
  const error = failure ? { failure: { name: failure.name, message: failure.message } } : {}
  const counts = { attempts: attempt - (attempts - tries), localTries: retry.localTries }
  return parseInput(
    startRunSchema,
    { ...callback, payload: { retry: { scene, runId, key, outcome, state, reason, ...counts, result, ...error } } },
    'run',
  )
}
