import { CarillonError, type DeadLetter, printable, type StartRun } from '@carillon/contracts'
import type { DeadLetterHead, DeadLetterRecord, RunHead, RunRecord } from '@carillon/store'
import { retryView } from '../../runs/rules/views.ts'
import { firesAfter } from '../../triggers/rules/parents.ts'

/** Whether a run is a retry that was given up. */
export const isDead = ({ state, terms }: RunHead): boolean => terms?.retry !== undefined && firesAfter('failed', state)

/** Whether a run is a retry that has succeeded after it was given up: only a retry by hand raises the limit of attempts, as a sleep does. */
export const isRevived = ({ state, terms, attempts, sleeps, tries }: RunHead): boolean =>
  terms?.retry !== undefined && state === 'succeeded' && attempts - (sleeps ?? 0) > tries

/** The letter about a retry that was given up. */
export function letterOf(run: RunRecord): DeadLetterRecord {
  const { id, namespace, handler: scene, key, payload, state, reason, error, attempt, sleeps, traceparent, createdAt, endedAt } = run
  return {
    ...{ id, namespace, scene, key, payload, state, reason, error, attempt, traceparent },
    sleeps: sleeps ?? 0,
    failed: run.terms?.failed ?? [],
    request: requestOf(run),
    requestedAt: createdAt,
    at: endedAt ?? createdAt,
    redrivenAs: null,
    redrivenWith: null,
    isRedriven: 0,
    by: null,
    revision: 1,
  }
}

/** How it is started again: with its limits and callbacks. A deadline of its caller is over, so it has none. */
function requestOf({ tries: attempts, backoff, timeoutMs, terms, routing }: RunRecord): Partial<StartRun> {
  const { nonRetryable, priority, runTimeoutMs, retry, rules } = terms ?? {}
  const { key: _key, ...places } = routing ?? {}
  const request = { attempts, backoff, timeoutMs, nonRetryable, priority, runTimeoutMs, retry, ...rules, ...places }
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined && value !== null))
}

/** The request of the run that tries it again. */
export function redriveOf({ id, scene, payload, redrivenWith, request }: DeadLetterRecord): object {
  const retry = { localTries: 0, ...request.retry, redriveOf: id }
  return { ...request, handler: scene, payload: JSON.parse(redrivenWith ?? payload) as unknown, retry }
}

/** @param letter of a head the view has neither arguments nor tries */
export function letterView(letter: DeadLetterHead & Partial<DeadLetterRecord>): DeadLetter {
  const {
    id,
    scene,
    key,
    state,
    reason,
    error: failure,
    attempt,
    sleeps,
    requestedAt,
    at,
    redrivenAs,
    by,
    payload,
    request,
    failed,
  } = letter
  const view = {
    ...{ id, scene, key, state, reason, failure, redrivenAs, by },
    attempts: attempt - sleeps,
    requestedAt: new Date(requestedAt).toISOString(),
    at: new Date(at).toISOString(),
    payload: payload === undefined ? undefined : (JSON.parse(payload) as unknown),
    retry: request?.retry && retryView(request.retry, failed),
  }
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== undefined && value !== null)) as unknown as DeadLetter
}

/** The event of a letter that was kept, or about which someone has decided. */
export function letterChange(letter: DeadLetterRecord, what: 'created' | 'redriven') {
  const { payload: _payload, retry: _retry, ...body } = letterView(letter)
  return { namespace: letter.namespace, name: letter.id, what, body }
}

/** The event of a letter that was removed, or whose run goes on. */
export const letterGone = ({ namespace, id }: { namespace: string; id: string }) => ({ namespace, name: id, what: 'removed', body: { id } })

export function letterNotFound(id: string): CarillonError {
  return new CarillonError('DEAD_LETTER_NOT_FOUND', `there is no dead letter ${printable(id)}`, { field: 'id', value: printable(id) })
}
