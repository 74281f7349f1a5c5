import { CALLS, CarillonError, LIMITS, type RunEndedEvent } from '@carillon/contracts'
import { every, type Timer } from '@carillon/wire/internal'
import type { ClientLink } from '../connection/link.ts'
import type { Caller } from './caller.ts'
import { EndEvents } from './end-events.ts'

/** Someone who waits for the end of a run. */
export interface EndWaiter {
  /** May be called again while its run is watched. @param event without the result where that is large */
  onEnd(event: RunEndedEvent): void
  /** There is no such run, it cannot be read, or the connection was closed. */
  onError(error: unknown): void
}

/** The poll interval: an event could be missed while the connection is away. */
const SAFETY_NET_MS = 10_000
/** When a run is read that was just started: its end is missed only if it came before the broker knew of the subscription. */
const LATER_MS = 25

/**
 * Watches runs until they end, for all that wait for them. Each run is subscribed to first and read then, so that no end is missed, and read again
 * after a reconnect and at intervals. What is read in one turn of the event loop is one call. A run that was just started is read a moment later: most
 * have ended by then.
 */
export class RunEnds {
  readonly #link: ClientLink
  readonly #caller: Caller
  readonly #events: EndEvents
  /** By the run. */
  readonly #waiters = new Map<string, Set<EndWaiter>>()
  /** To be read when the turn of the event loop ends. */
  #asked = new Set<string>()
  #askedLater = new Set<string>()
  #stopPolling: (() => void) | undefined

  constructor(link: ClientLink, caller: Caller) {
    this.#link = link
    this.#caller = caller
    const { namespace, clock } = caller
    this.#events = new EndEvents(link, {
      namespace,
      clock,
      onEnd: (event) => {
        for (const { onEnd } of this.#waitersOf(event.runId)) onEnd(event)
      },
      onMoved: (runIds) => this.#ask(runIds),
      onClosed: (runIds) => this.#closed(runIds),
    })
  }

  /** @param options `isNew`: it was started within the last tenth of a second. @returns stops watching */
  watch(runId: string, waiter: EndWaiter, { isNew }: { isNew: boolean }): () => void {
    const isEnded = this.#waiters.has(runId) ? false : this.#events.add(runId)
    const waiters = this.#waiters.get(runId) ?? this.#begin(runId)
    waiters.add(waiter)
    if (isNew && !isEnded) this.#askLater(runId)
    else this.#ask([runId])
    return () => {
      if (waiters.delete(waiter) && waiters.size === 0) this.#end(runId)
    }
  }

  #begin(runId: string): Set<EndWaiter> {
    const waiters = new Set<EndWaiter>()
    this.#waiters.set(runId, waiters)
    this.#stopPolling ??= this.#poll()
    return waiters
  }

  #end(runId: string): void {
    this.#waiters.delete(runId)
    this.#events.remove(runId)
    if (this.#waiters.size > 0) return
    this.#stopPolling?.()
    this.#stopPolling = undefined
  }

  #poll(): () => void {
    const askAll = () => this.#ask(this.#waiters.keys())
    const timer: Timer = every(this.#caller.clock, SAFETY_NET_MS, askAll)
    const stopUp = this.#link.onUp(askAll)
    return () => {
      timer.cancel()
      stopUp()
    }
  }

  #ask(runIds: Iterable<string>): void {
    if (this.#asked.size === 0) process.nextTick(() => this.#flush())
    for (const runId of runIds) this.#asked.add(runId)
  }

  #askLater(runId: string): void {
    if (this.#askedLater.size === 0) this.#caller.clock.after(LATER_MS, () => this.#askThose())
    this.#askedLater.add(runId)
  }

  #askThose(): void {
    const runIds = [...this.#askedLater].filter((runId) => this.#waiters.has(runId))
    this.#askedLater = new Set()
    if (runIds.length > 0) this.#ask(runIds)
  }

  #flush(): void {
    const runIds = [...this.#asked].filter((runId) => this.#waiters.has(runId))
    this.#asked = new Set()
    for (let from = 0; from < runIds.length; from += LIMITS.runsPerCall) this.#read(runIds.slice(from, from + LIMITS.runsPerCall))
  }

  /** Its answer is for those that wait now: one that begins later may do so because the run was retried meanwhile. */
  #read(runIds: readonly string[]): void {
    const asking = runIds.map((runId) => this.#waitersOf(runId))
    const fail = (waiters: readonly EndWaiter[], error: unknown) => {
      if (!isTransient(error)) for (const { onError } of waiters) onError(error)
    }
    this.#caller.call(CALLS.runsEnded, { runIds: [...runIds] }).then(
      ({ runs }) => {
        for (const [i, waiters] of asking.slice(0, runs.length).entries()) {
          const run = runs[i]!
          if ('error' in run) fail(waiters, CarillonError.fromBody(run.error))
          else if ('at' in run) for (const { onEnd } of waiters) onEnd(run)
        }
        // What did not fit into the answer.
        if (runs.length > 0) this.#ask(runIds.slice(runs.length))
      },
      (error: unknown) => {
        for (const waiters of asking) fail(waiters, error)
      },
    )
  }

  #closed(runIds: readonly string[]): void {
    for (const runId of runIds) {
      const error = new CarillonError('NOT_CONNECTED', `The connection was closed before run ${runId} ended`)
      for (const { onError } of this.#waitersOf(runId)) onError(error)
    }
  }

  #waitersOf(runId: string): EndWaiter[] {
    return [...(this.#waiters.get(runId) ?? [])]
  }
}

/** Such an error does not end a wait: the next event, reconnect or poll reads the run again. */
export const isTransient = (error: unknown): boolean => CarillonError.is(error) && error.retry
