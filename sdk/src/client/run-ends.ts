import { CALLS, CarillonError, ENDED_STATES, LIMITS, type RunEndedEvent, subjects } from '@carillon/contracts'
import { every, type Timer } from '@carillon/wire/internal'
import type { Msg, Subscription } from '@nats-io/transport-node'
import type { ClientLink } from '../connection/link.ts'
import type { Caller } from './caller.ts'

/** Someone who waits for the end of a run. */
export interface EndWaiter {
  /** May be called again while its run is watched. @param event without the result where that is large */
  onEnd(event: RunEndedEvent): void
  /** There is no such run, it cannot be read, or the connection was closed. */
  onError(error: unknown): void
}

interface Watched {
  readonly waiters: Set<EndWaiter>
  readonly subscriptions: readonly Pick<Subscription, 'isClosed' | 'unsubscribe' | 'closed'>[]
}

/** The poll interval: an event could be missed while the connection is away. */
const SAFETY_NET_MS = 10_000

/**
 * Watches runs until they end, for all that wait for them. Each subject is subscribed to by itself: for a wildcard nats-server compares all
 * subjects that it has cached, which takes it 50 µs for a subscription, and as long for its end.
 * Each run is subscribed to first and read then, so that no end is missed, and read again
 * after a reconnect and at intervals. What is read in one turn of the event loop is one call.
 */
export class RunEnds {
  readonly #link: ClientLink
  readonly #caller: Caller
  readonly #watched = new Map<string, Watched>()
  /** To be read when the turn of the event loop ends. */
  #asked = new Set<string>()
  #timer: Timer | undefined
  #stopUp: (() => void) | undefined

  constructor(link: ClientLink, caller: Caller) {
    this.#link = link
    this.#caller = caller
  }

  /** @returns stops watching */
  watch(runId: string, waiter: EndWaiter): () => void {
    const watched = this.#watched.get(runId) ?? this.#begin(runId)
    watched.waiters.add(waiter)
    this.#ask([runId])
    return () => {
      watched.waiters.delete(waiter)
      if (watched.waiters.size === 0) this.#end(runId, watched)
    }
  }

  #begin(runId: string): Watched {
    const waiters = new Set<EndWaiter>()
    const onMessage = (message: Msg) => {
      const event = message.json<RunEndedEvent>()
      for (const { onEnd } of [...waiters]) onEnd(event)
    }
    const subjectOf = (state: string) => subjects.event(this.#caller.namespace, 'run', runId, state)
    const subscriptions = ENDED_STATES.map((state) => this.#link.subscribe(subjectOf(state), onMessage))
    const closed = () => {
      const error = new CarillonError('NOT_CONNECTED', `The connection was closed before run ${runId} ended`)
      for (const { onError } of [...waiters]) onError(error)
    }
    subscriptions[0]?.closed.then(closed, closed)
    const watched: Watched = { waiters, subscriptions }
    this.#watched.set(runId, watched)
    const askAll = () => this.#ask(this.#watched.keys())
    this.#timer ??= every(this.#caller.clock, SAFETY_NET_MS, askAll)
    this.#stopUp ??= this.#link.onUp(askAll)
    return watched
  }

  #end(runId: string, { subscriptions }: Watched): void {
    this.#watched.delete(runId)
    for (const subscription of subscriptions) if (!subscription.isClosed()) subscription.unsubscribe()
    if (this.#watched.size > 0) return
    this.#timer?.cancel()
    this.#stopUp?.()
    this.#timer = this.#stopUp = undefined
  }

  #ask(runIds: Iterable<string>): void {
    if (this.#asked.size === 0) process.nextTick(() => this.#flush())
    for (const runId of runIds) this.#asked.add(runId)
  }

  #flush(): void {
    const runIds = [...this.#asked].filter((runId) => this.#watched.has(runId))
    this.#asked = new Set()
    for (let from = 0; from < runIds.length; from += LIMITS.runsPerCall) this.#read(runIds.slice(from, from + LIMITS.runsPerCall))
  }

  #read(runIds: readonly string[]): void {
    this.#caller.call(CALLS.runsEnded, { runIds: [...runIds] }).then(
      ({ runs }) => {
        runs.forEach((run, i) => {
          if ('error' in run) this.#fail([runIds[i] as string], CarillonError.fromBody(run.error))
          else if ('at' in run) for (const { onEnd } of this.#waitersOf(run.runId)) onEnd(run)
        })
        // What did not fit into the answer.
        if (runs.length > 0) this.#ask(runIds.slice(runs.length))
      },
      (error: unknown) => this.#fail(runIds, error),
    )
  }

  #fail(runIds: readonly string[], error: unknown): void {
    if (isTransient(error)) return
    for (const runId of runIds) for (const { onError } of this.#waitersOf(runId)) onError(error)
  }

  #waitersOf(runId: string): EndWaiter[] {
    return [...(this.#watched.get(runId)?.waiters ?? [])]
  }
}

/** Such an error does not end a wait: the next event, reconnect or poll reads the run again. */
export const isTransient = (error: unknown): boolean => CarillonError.is(error) && error.retry
