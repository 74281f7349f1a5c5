import { CALLS, CarillonError, type RunState } from '@carillon/contracts'
import { runIdOfKey } from '@carillon/wire/internal'
import type { Caller } from '../client/caller.ts'
import { RunStarter } from '../client/run-starter.ts'
import { type StartItem, startItemOf } from '../client/start-item.ts'
import type { ClientLink } from '../connection/link.ts'
import { Outbox, type OutboxSettings } from '../outbox/outbox.ts'
import type { OnWarning } from '../warning.ts'
import type { RetryPolicy } from './retry-options.ts'
import type { RetriedFunction, RetryRequest, RetryStarter, StoredRetries } from './retry-starter.ts'
import { Retryable } from './retryable.ts'

/** Time for the mesh to accept a retry: its caller waits, and the outbox is there. */
const ACCEPT_MS = 5_000

/** For the state of a duplicate. */
const STATE_MS = 2_000

/** Stores retries in the mesh or, where that cannot be reached, in the outbox of this process. @internal */
export class MeshRetries implements RetryStarter, StoredRetries {
  readonly #link: ClientLink
  readonly #caller: Caller
  readonly #starter: RunStarter
  readonly #settings: OutboxSettings
  readonly #onWarning: OnWarning
  #outbox: Outbox | undefined

  constructor(options: { link: ClientLink; caller: Caller; outbox: OutboxSettings; onWarning: OnWarning }) {
    this.#link = options.link
    this.#caller = options.caller
    this.#settings = options.outbox
    this.#onWarning = options.onWarning
    this.#starter = new RunStarter(options.caller)
  }

  /** From now on, what this process and others on the machine have not sent is sent. */
  bind(policy: RetryPolicy, run: (...args: never) => unknown): RetriedFunction {
    if (policy.strategy !== 'local') this.#open()
    return new Retryable(policy, run, { starter: this, clock: this.#caller.clock })
  }

  #open(): Outbox {
    this.#outbox ??= new Outbox(this.#settings, {
      clock: this.#caller.clock,
      onWarning: this.#onWarning,
      send: (texts) => Promise.all(texts.map((text) => this.#send({ text, bytes: Buffer.byteLength(text), id: undefined }))),
      isUp: () => this.#link.isUp,
      onUp: (listener) => this.#link.onUp(listener),
    })
    return this.#outbox
  }

  async start(request: RetryRequest): ReturnType<RetryStarter['start']> {
    const requestedAt = new Date(this.#caller.clock.now()).toISOString()
    const item = startItemOf(request)
    if (this.#link.isUp) {
      try {
        const { runId, created } = await this.#starter.start(item, { timeoutMs: ACCEPT_MS })
        return { runId, created, state: created ? undefined : await this.#stateOf(runId), keptIn: 'mesh' }
      } catch (error) {
        if (!CarillonError.is(error) || !error.retry) throw error
      }
    }
    const late: RetryRequest = { ...request, requestedAt }
    await this.#open().append(startItemOf(late).text)
    return { runId: runIdOfKey(this.#caller.namespace, request.key), created: true, keptIn: 'outbox' }
  }

  /** Its caller should know whether anything is still done for it; that it is a duplicate is certain all the same. */
  async #stateOf(runId: string): Promise<RunState | undefined> {
    try {
      return (await this.#caller.call(CALLS.runsGet, { runId }, { timeoutMs: STATE_MS })).state
    } catch (error) {
      if (CarillonError.is(error)) return undefined
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.#outbox?.stop()
  }

  async #send(item: StartItem): Promise<CarillonError | undefined> {
    try {
      await this.#starter.start(item, { timeoutMs: ACCEPT_MS })
      return undefined
    } catch (error) {
      const refusal = CarillonError.from(error)
      if (refusal.retry || refusal.code === 'NOT_CONNECTED') throw refusal
      return refusal
    }
  }
}
