import type { Failure } from '@carillon/contracts'
import type { FailedTry, RunHead } from '@carillon/store'
import type { Decision } from './decision.ts'

/** How many are kept of a run: the first ones of many say least. */
const KEPT = 20
const MESSAGE_LETTERS = 200

/**
 * Notes an attempt that another one follows: the run itself keeps the last failure alone. Of the retry of a call the last attempt is noted, too: a person may have
 * to decide about it. A run that succeeds at once costs nothing.
 */
export function withFailedTry(run: RunHead, decision: Decision, now: number): Decision {
  const { terms, attempt, owner } = run
  const error = failureOf(run, decision)
  if (!error) return decision
  const { set, event } = decision
  const startedAt = run.startedAt ?? decision.attemptBeganAt ?? set.startedAt
  const failed: FailedTry = {
    ...{
      attempt,
      at: event === 'restarted' ? (run.endedAt ?? now) : now,
      name: error.name,
      message: error.message.slice(0, MESSAGE_LETTERS),
    },
    ...(typeof startedAt === 'number' ? { startedAt } : {}),
    ...(owner === null ? {} : { instance: owner }),
  }
  const all = [...(terms?.failed ?? []), failed].slice(-KEPT)
  return { ...decision, set: { ...set, terms: { ...(set.terms === undefined ? terms : set.terms), failed: all } } }
}

/** What has ended the attempt, if it is to be noted. */
function failureOf({ terms, owner, error }: RunHead, { event, set }: Decision): Pick<Failure, 'name' | 'message'> | null | undefined {
  if (terms?.retry !== undefined) return set.error
  if (event === 'retried') return set.error
  if (event === 'restarted') return error
  if (event !== 'lost' || set.state !== 'queued') return undefined
  const silent = {
    name: 'InstanceLost',
    message: owner === null ? 'the process that had received it reported nothing' : `instance ${owner} was lost`,
  }
  return set.error ?? silent
}
