import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import type { Clock, Timer } from './clock.ts'
import { publishTexts, type TextMessage } from './frames.ts'

/** Why the broker did not take a message; `code` is JetStream's, undefined when no answer came. */
export interface Refusal {
  readonly code?: number
  readonly message: string
}

/** What is published into a stream; its answer goes to the publisher. */
export type Outgoing = Omit<TextMessage, 'reply'>

type Done = (refusal: Refusal | undefined) => void
/** @param answer the publish acknowledgement, as JSON; empty with a refusal */
type Answered = (refusal: Refusal | undefined, answer: string) => void
interface Pending {
  readonly done: Answered
  readonly at: number
  readonly bytes: number
}

/** No answer after this long counts as a refusal; the outcome is unknown, so what is published must bear being published again. */
const ANSWER_WITHIN_MS = 5_000
const SWEEP_MS = 1_000
/** After a batch whose sequences were not contiguous, each message of a batch is acknowledged for so long: there may be other publishers. */
const ACK_EACH_FOR_MS = 10_000
const UNKNOWN: Refusal = { message: 'the broker has not answered whether it is stored' }
const CLOSED: Refusal = { message: 'the publisher was closed' }

/**
 * Publishes to streams with one acknowledgement inbox and a callback a message: five times the rate of a promise and a timer each.
 */
export class StreamPublisher {
  readonly #connection: NatsConnection
  readonly #clock: Clock
  readonly #inbox = createInbox()
  readonly #pending = new Map<string, Pending>()
  #outstandingBytes = 0
  #waiting: { readonly belowBytes: number; readonly resolve: () => void }[] = []
  #next = 0
  #ackEachUntil = Number.NEGATIVE_INFINITY
  #sweeper: Timer | undefined
  readonly #answers: Subscription
  #closed = false

  constructor(connection: NatsConnection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    this.#answers = connection.subscribe(`${this.#inbox}.*`, {
      // An error means that this user may not subscribe; there is no message then, and what is thrown here closes the connection.
      callback: (error, message) => {
        if (!error) this.#answered(message)
      },
    })
  }

  /**
   * @param done is called once: with undefined when the broker has stored the message, else with the refusal. The answer to a later message proves
   *   nothing about this one: a stream that changes its leader may lose what lies between.
   */
  publish(message: Outgoing, done: Done): void {
    const reply = this.#await({ done, bytes: Buffer.byteLength(message.body) })
    if (reply !== undefined) this.#hand([{ ...message, reply }])
  }

  /**
   * Publishes a batch into one stream and requests two acknowledgements, of the first and of the last message. One connection to one server is
   * served in order, so if the two stream sequences are as far apart as the messages, every message between them is stored. If not (one was refused,
   * or another publisher wrote between them), the outcome of those between is unknown, and the batches of the next 10 s get an acknowledgement for
   * each message. In a cluster they always do: a new leader may lack what the old one took. Not detected: as many messages refused as other
   * publishers wrote between the two.
   * @param done is called once, with one outcome per message, as for `publish`; unknown is a refusal without a code. `sequences` are those that the
   *   stream has given to the messages, as far as they are known
   */
  publishAll(
    messages: readonly Outgoing[],
    done: (refusals: readonly (Refusal | undefined)[], sequences: readonly (number | undefined)[]) => void,
  ): void {
    const last = messages.length - 1
    const acksEndsOnly = last > 1 && this.#connection.info?.cluster === undefined && this.#clock.monotonic() >= this.#ackEachUntil
    const refusals: (Refusal | undefined)[] = messages.map(() => (acksEndsOnly ? UNKNOWN : undefined))
    const sequences: (number | undefined)[] = messages.map(() => undefined)
    let open = acksEndsOnly ? 2 : messages.length
    if (open === 0) done(refusals, sequences)
    let bytes = 0
    const sent: TextMessage[] = []
    for (const [i, message] of messages.entries()) {
      bytes += Buffer.byteLength(message.body)
      if (acksEndsOnly && i > 0 && i < last) {
        sent.push(message)
        continue
      }
      const answered: Answered = (refusal, answer) => {
        refusals[i] = refusal
        if (!refusal) sequences[i] = (JSON.parse(answer) as { seq: number }).seq
        if (--open > 0) return
        if (acksEndsOnly && this.#areContiguous(sequences[0], sequences[last], last)) {
          refusals.fill(undefined)
          for (let k = 1; k < last; k++) sequences[k] = (sequences[0] as number) + k
        }
        done(refusals, sequences)
      }
      const reply = this.#await({ done: answered, bytes })
      if (reply === undefined) continue
      sent.push({ ...message, reply })
      bytes = 0
    }
    this.#hand(sent)
  }

  #areContiguous(first: number | undefined, end: number | undefined, distance: number): boolean {
    if (first !== undefined && end !== undefined && end - first === distance) return true
    this.#ackEachUntil = this.#clock.monotonic() + ACK_EACH_FOR_MS
    return false
  }

  /**
   * @param entry.bytes that are outstanding until it is answered: also those of messages before it that have no acknowledgement of their own
   * @returns the subject for the answer; undefined: the publisher is closed
   */
  #await({ done, bytes }: Omit<Pending, 'at'>): string | undefined {
    if (this.#closed) {
      done(CLOSED, '')
      return undefined
    }
    const id = String(this.#next++)
    this.#pending.set(id, { done, at: this.#clock.monotonic(), bytes })
    this.#outstandingBytes += bytes
    this.#sweeper ??= this.#clock.after(SWEEP_MS, () => this.#sweep())
    return `${this.#inbox}.${id}`
  }

  #hand(messages: readonly TextMessage[]): void {
    if (this.#closed) return
    for (const [{ reply }, error] of publishTexts(this.#connection, messages))
      if (reply !== undefined) this.#end(reply.slice(this.#inbox.length + 1), { message: error.message })
  }

  /** The same as a promise, for what is rare. */
  send(message: Outgoing): Promise<Refusal | undefined> {
    return new Promise((resolve) => this.publish(message, resolve))
  }

  /** Bytes that were handed to the connection and that the broker has not answered. */
  get outstandingBytes(): number {
    return this.#outstandingBytes
  }

  /** Resolves when fewer bytes than these are outstanding, or when the publisher is closed. A caller with much to publish waits for it. */
  room(belowBytes: number): Promise<void> {
    if (this.#closed || this.#outstandingBytes < belowBytes) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ belowBytes, resolve }))
  }

  #answered(message: Msg): void {
    const id = message.subject.slice(this.#inbox.length + 1)
    const body = message.string()
    if (body === '') this.#end(id, { code: 503, message: 'no stream takes this subject' })
    else if (body.includes('"error"')) this.#end(id, refusalOf(body))
    else this.#end(id, undefined, body)
  }

  #end(id: string, refusal: Refusal | undefined, answer = ''): void {
    const entry = this.#pending.get(id)
    if (!entry) return
    this.#pending.delete(id)
    this.#release(entry.bytes)
    entry.done(refusal, answer)
  }

  #release(bytes: number): void {
    this.#outstandingBytes -= bytes
    if (this.#waiting.length === 0) return
    const isOver = ({ belowBytes }: { belowBytes: number }) => this.#closed || this.#outstandingBytes < belowBytes
    const over = this.#waiting.filter(isOver)
    if (over.length === 0) return
    this.#waiting = this.#waiting.filter((entry) => !isOver(entry))
    for (const { resolve } of over) resolve()
  }

  #sweep(): void {
    this.#sweeper = undefined
    const before = this.#clock.monotonic() - ANSWER_WITHIN_MS
    let silentBytes = 0
    for (const [id, entry] of this.#pending) {
      if (entry.at > before) break
      silentBytes += entry.bytes
      this.#outstandingBytes += entry.bytes
      this.#end(id, { message: 'no answer from the broker' })
    }
    // They may still lie in the connection's buffer: they are outstanding until the broker has read up to here, or the connection was lost.
    if (silentBytes > 0) {
      const release = () => this.#release(silentBytes)
      this.#connection.flush().then(release, release)
    }
    if (this.#pending.size > 0) this.#sweeper = this.#clock.after(SWEEP_MS, () => this.#sweep())
  }

  /** Publishes that wait for an answer are refused, and so are later publishes. */
  close(): void {
    this.#closed = true
    this.#sweeper?.cancel()
    this.#answers.unsubscribe()
    for (const id of [...this.#pending.keys()]) this.#end(id, CLOSED)
    this.#release(0)
  }
}

function refusalOf(body: string): Refusal {
  const { error } = JSON.parse(body) as { error: { err_code?: number; code?: number; description?: string } }
  return { code: error.err_code ?? error.code ?? 0, message: error.description ?? 'refused' }
}
