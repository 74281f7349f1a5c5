import type { FailedTry, RunHead } from '@carillon/store'
import type { Decision } from './decision.ts'

/** How many are kept of a retry: the first ones of many say least. */
const KEPT = 20
const MESSAGE_LETTERS = 200

/** Of the retry of a call, which a person may have to decide about: each try that failed is noted, not only the last one. */
export function withFailedTry(run: RunHead, decision: Decision, now: number): Decision {
  const { terms, attempt } = run
  const { error } = decision.set
  if (terms?.retry === undefined || !error) return decision
  const failed: FailedTry = { attempt, at: now, name: error.name, message: error.message.slice(0, MESSAGE_LETTERS) }
  const all = [...(terms.failed ?? []), failed].slice(-KEPT)
  return { ...decision, set: { ...decision.set, terms: { ...terms, ...decision.set.terms, failed: all } } }
}
