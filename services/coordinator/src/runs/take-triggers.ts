import { CarillonError, checkBy, checkHeaders, HEADERS, TRIGGER_HEADERS } from '@carillon/contracts'
import { type Clock, derivedId, type Incoming, mayPass, type RejectedMessages } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { Starts } from '../ports.ts'
import { causeOf } from './rules/causes.ts'
import type { Cause, StartItem } from './rules/start-item.ts'

/** Fires jobs for messages on `trigger.<job>`: the body is the payload, the headers are the options. */
export class TakeTriggers {
  readonly #store: Store
  readonly #start: Starts
  readonly #rejected: RejectedMessages
  readonly #clock: Clock

  constructor(options: { store: Store; start: Starts; rejected: RejectedMessages; clock: Clock }) {
    this.#store = options.store
    this.#start = options.start
    this.#rejected = options.rejected
    this.#clock = options.clock
  }

  async execute(batch: readonly Incoming[]): Promise<void> {
    const accepted: Incoming[] = []
    for (const message of batch) {
      try {
        checkHeaders(message.headerNames(), TRIGGER_HEADERS)
        checkBy(message.header(HEADERS.by))
        accepted.push(message)
      } catch (error) {
        this.#reject(message, error)
      }
    }
    const causes = await this.#causes(accepted)
    const outcomes = await this.#start.execute(accepted.map((message) => ({ ...itemOf(message), ...causes.get(message) })))
    // A transient error is not caused by the message: the batch is redelivered.
    for (const outcome of outcomes) if (CarillonError.is(outcome) && mayPass(outcome)) throw outcome
    for (const [i, message] of accepted.entries()) if (CarillonError.is(outcomes[i])) this.#reject(message, outcomes[i])
  }

  /** Of messages that nodes of workflows have published. A run of another namespace is none. */
  async #causes(messages: readonly Incoming[]): Promise<ReadonlyMap<Incoming, { readonly cause: Cause }>> {
    const published = messages.flatMap((message) => {
      const id = message.header(HEADERS.run)
      return id === undefined ? [] : [{ message, id }]
    })
    if (published.length === 0) return new Map()
    const runs = await this.#store.runs.heads(published.map(({ id }) => id))
    return new Map(
      published.flatMap(({ message }, i) => {
        const run = runs[i]
        return run?.namespace === message.namespace ? [[message, { cause: causeOf(run, { isPublished: true }) }] as const] : []
      }),
    )
  }

  #reject({ subject, body }: Incoming, error: unknown): void {
    this.#rejected.reject({ subject, text: JSON.stringify(body), error, stream: 'TRIGGERS', now: this.#clock.now() })
  }
}

/** The id comes from the message's place in the stream, so a redelivery is the same run; its time distinguishes a stream that was wiped since. */
function itemOf(message: Incoming): StartItem {
  const request: Record<string, unknown> = { job: message.name }
  if (message.body !== null) request['payload'] = message.body
  for (const [field, name] of [
    ['key', HEADERS.key],
    ['at', HEADERS.at],
    ['priority', HEADERS.priority],
  ] as const) {
    const text = message.header(name)
    if (text !== undefined) request[field] = text
  }
  for (const [field, name] of [
    ['delayMs', HEADERS.delayMs],
    ['attempts', HEADERS.attempts],
    ['timeoutMs', HEADERS.timeoutMs],
    ['runTimeoutMs', HEADERS.runTimeoutMs],
    ['deadlineMs', HEADERS.deadlineMs],
  ] as const) {
    const text = message.header(name)
    if (text !== undefined) request[field] = /^\d+$/.test(text) ? Number(text) : text
  }
  return {
    namespace: message.namespace,
    request,
    bytes: message.bytes,
    trigger: 'stream',
    traceparent: message.traceparent,
    by: checkBy(message.header(HEADERS.by)),
    id: derivedId('t', message.namespace, message.sequence, message.storedAt),
    published: { stream: 'TRIGGERS', sequence: message.sequence, at: message.storedAt },
  }
}
