import { AsyncLocalStorage } from 'node:async_hooks'
import { CarillonError, HEADERS, parseRetryMark, printable, RETRY_MARK_HINT, retryMark } from '@carillon/contracts'
import { type Clock, systemClock } from '@carillon/wire/internal'

/** The try of a retryable function that the code runs in. What it calls is not retried by itself: its failure makes the whole be tried again. */
export interface RetryScope {
  readonly scene: string
  /** From 1: of the tries of the caller, or of those of the mesh. */
  readonly attempt: number
  /** Of a try by the mesh: its run, whose id is the same in every try. */
  readonly runId: string | undefined
  /** How much time is left, in ms; undefined: there is no limit. */
  leftMs(): number | undefined
}

/** Follows promises; it is lost where libraries call back from pools and emitters of their own: then pass headers by hand. */
const scopes = new AsyncLocalStorage<RetryScope>()

/** Runs `action` as a try of a retryable function. @internal */
export const inScope = <Value>(scope: RetryScope, action: () => Value): Value => scopes.run(scope, action)

/** The try that the calling code runs in; undefined outside of any. */
export const retryScope = (): RetryScope | undefined => scopes.getStore()

/** What the request for a run says that is made in a scope; undefined outside of any. @internal */
export const markOf = (scope: RetryScope | undefined = retryScope()): string | undefined => scope && retryMark(scope.scene, scope.attempt)

/** Runs the handler of a run that was requested in a scope. What it is no mark of is left out. @internal */
export function inMarkedScope<Value>(mark: string | undefined, action: () => Value): Value {
  const found = mark === undefined ? undefined : parseRetryMark(mark)
  return found ? inScope({ ...found, runId: undefined, leftMs: () => undefined }, action) : action()
}

/** A time limit as a scope has it. @internal */
export function timeLeft(clock: Clock, startedAt: number, limitMs: number | undefined): () => number | undefined {
  return () => (limitMs === undefined ? undefined : Math.max(0, limitMs - (clock.monotonic() - startedAt)))
}

/**
 * Headers for a call to another service, such as a request of `fetch`: they say that it is part of a retry, and how much time is left. Empty outside of any.
 * @param scope where the context has been lost: `retryScope()`, read before that
 */
export function retryHeaders(scope: RetryScope | undefined = retryScope()): Record<string, string> {
  if (scope === undefined) return {}
  const leftMs = scope.leftMs()
  return {
    [HEADERS.retry]: retryMark(scope.scene, scope.attempt),
    ...(leftMs === undefined ? {} : { [HEADERS.leftMs]: String(Math.floor(leftMs)) }),
  }
}

/** As servers have them: names in any case. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>> | { get(name: string): string | null | undefined }

/**
 * Run `action` for a caller that sent `retryHeaders`: retryable functions in it try once, and leave the retry to that caller. Without these headers it just runs.
 * @throws CarillonError INVALID_HEADER
 */
export function withRetryHeaders<Value>(headers: Headers, action: () => Value): Value {
  const retry = headerOf(headers, HEADERS.retry)
  if (retry === undefined) return action()
  const mark = parseRetryMark(retry)
  if (!mark) throw wrongHeader(HEADERS.retry, retry, RETRY_MARK_HINT)
  const left = headerOf(headers, HEADERS.leftMs)
  if (left !== undefined && !/^\d{1,15}$/.test(left)) throw wrongHeader(HEADERS.leftMs, left, 'Use whole milliseconds from 0.')
  const limitMs = left === undefined ? undefined : Number(left)
  return inScope({ ...mark, runId: undefined, leftMs: timeLeft(systemClock, systemClock.monotonic(), limitMs) }, action)
}

function headerOf(headers: Headers, name: string): string | undefined {
  if (typeof (headers as { get?: unknown }).get === 'function')
    return (headers as { get(of: string): string | null | undefined }).get(name) ?? undefined
  const found = Object.entries(headers).find(([given]) => given.toLowerCase() === name.toLowerCase())?.[1]
  return found === undefined ? undefined : String(found)
}

function wrongHeader(field: string, given: string, hint: string): CarillonError {
  const value = printable(given)
  return new CarillonError('INVALID_HEADER', `${field} is wrong: ${value}`, { field, value, hint })
}
