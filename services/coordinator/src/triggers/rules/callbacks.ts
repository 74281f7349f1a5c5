import type { RetryCallback } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'
import { firesAfter } from './parents.ts'

/** How a retry has ended: one that was cancelled has neither. */
type RetryOutcome = 'succeeded' | 'exhausted'

/** What a retry starts at its end, if anything. */
export function callbackOf({ state, terms }: RunHead): { readonly outcome: RetryOutcome; readonly callback: RetryCallback } | undefined {
  const outcome = firesAfter('succeeded', state) ? 'succeeded' : firesAfter('failed', state) ? 'exhausted' : undefined
  const callback = outcome === 'succeeded' ? terms?.retry?.onSuccess : outcome === 'exhausted' ? terms?.retry?.onExhausted : undefined
  return outcome === undefined || callback === undefined ? undefined : { outcome, callback }
}

/** The payload of a callback: its retry, without the arguments, which may be large and are read by the id. */
export function payloadOfCallback(outcome: RetryOutcome, run: RunHead & { readonly result?: string | null }) {
  const { id: runId, handler: scene, key, state, reason, attempt, sleeps, error, result, terms } = run
  const failure = error === null ? {} : { failure: { name: error.name, message: error.message } }
  const tries = { attempts: attempt - (sleeps ?? 0), localTries: terms?.retry?.localTries ?? 0 }
  return {
    retry: { scene, runId, key, outcome, state, reason, ...tries, result: result ? (JSON.parse(result) as unknown) : null, ...failure },
  }
}
