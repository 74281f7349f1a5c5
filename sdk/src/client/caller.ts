import {
  type Call,
  type CallInput,
  type CallOutput,
  CarillonError,
  type ErrorBody,
  isRepeatable,
  LIMITS,
  parseInput,
  subjects,
  writeJson,
} from '@carillon/contracts'
import { headersOf, jitter, type LoopClock, pause } from '@carillon/wire/internal'
import type { Msg } from '@nats-io/transport-node'
import { isNoResponders } from '../connection/answers.ts'
import type { ClientLink } from '../connection/link.ts'
import type { Telemetry } from '../telemetry.ts'

export interface CallOptions {
  /** Time for the whole call in ms. Default: the deadline of the call, 5,000 for most. */
  readonly timeoutMs?: number | undefined
  /** Give up early; the call rejects with the reason of the abort. */
  readonly signal?: AbortSignal | undefined
  /** W3C trace context to continue, for those without OpenTelemetry. */
  readonly traceparent?: string | undefined
}

/** The outcome of one request message. */
export type Reply =
  | { readonly type: 'answer'; readonly body: unknown }
  /** No service answers it (no responders). */
  | { readonly type: 'no-service' }
  /** The service refused it as overloaded. */
  | { readonly type: 'overloaded'; readonly error: CarillonError }
  /** No answer in time, or the connection broke: it may have been executed. */
  | { readonly type: 'unknown'; readonly why: string }
  /** There was no connection all the time: it has not been sent. */
  | { readonly type: 'not-sent' }

const REQUEST = {
  field: '',
  maxBytes: 4 * LIMITS.messageBytes,
  tooLarge: 'INVALID_REQUEST',
  notJson: 'INVALID_JSON',
  maxDepth: LIMITS.jsonDepth + 4,
} as const

const NO_SERVICE_RETRY_MS = 1_000
const PAUSE_MS = 100
/** A request with less time than this would only time out, and hide the error of the one before it. */
const SHORTEST_MS = 100

/** Sends calls to the services. @internal */
export class Caller {
  readonly namespace: string
  readonly clock: LoopClock
  readonly telemetry: Telemetry
  readonly #link: ClientLink
  readonly #by: string
  /** Of a call without a trace. */
  readonly #headers: ReturnType<typeof headersOf>

  /** @param options `by`: who calls, as the histories of jobs and runs keep it */
  constructor(link: ClientLink, options: { namespace: string; by: string; clock: LoopClock; telemetry: Telemetry }) {
    this.#link = link
    this.#by = options.by
    this.#headers = headersOf({ by: options.by })
    this.namespace = options.namespace
    this.clock = options.clock
    this.telemetry = options.telemetry
  }

  /**
   * Call a service.
   * @throws CarillonError with the service's code; NO_SERVICE, OVERLOADED, CALL_TIMEOUT, NATS_UNAVAILABLE, NOT_CONNECTED of its own
   */
  async call<C extends Call>(call: C, input: CallInput<C>, options: CallOptions = {}): Promise<CallOutput<C>> {
    const name = `${call.noun}.${call.verb}`
    // It holds values of the user at any level: what JSON cannot carry is named here; the schema of each value limits its depth.
    const body = writeJson(parseInput(call.input, input), REQUEST)
    this.checkSize(body)
    const trace = this.telemetry.call(name, options.traceparent)
    try {
      const output = await this.#untilDeadline({ call, input, body }, { ...options, traceparent: trace.traceparent })
      trace.end()
      return output as CallOutput<C>
    } catch (error) {
      trace.end(error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  /** @throws CarillonError INVALID_REQUEST for a message that the broker would refuse */
  checkSize(body: string): void {
    const bytes = body.length * 3 <= this.maxBytes ? 0 : Buffer.byteLength(body)
    if (bytes <= this.maxBytes) return
    throw new CarillonError('INVALID_REQUEST', `The request has ${bytes} bytes, the limit is ${this.maxBytes}`, { value: `${bytes} bytes` })
  }

  /** Bytes of one message. */
  get maxBytes(): number {
    return Math.min(LIMITS.messageBytes, this.#link.server.maxPayload - HEADER_BYTES)
  }

  async #untilDeadline({ call, input, body }: { call: Call; input: unknown; body: string }, options: CallOptions): Promise<unknown> {
    const startedAt = this.clock.monotonic()
    const timeoutMs = options.timeoutMs ?? call.deadlineMs
    for (;;) {
      const spentMs = this.clock.monotonic() - startedAt
      const reply = await this.request(call, body, { ...options, timeoutMs: Math.max(1, timeoutMs - spentMs) })
      if (reply.type === 'answer') return outputOf(reply.body)
      const allowedMs = reply.type === 'no-service' ? Math.min(timeoutMs, NO_SERVICE_RETRY_MS) : timeoutMs
      const isOver = this.clock.monotonic() - startedAt + PAUSE_MS + SHORTEST_MS >= allowedMs
      if (isOver || (reply.type === 'unknown' && !isRepeatable(call, input))) throw this.failure(call, reply, timeoutMs)
      await pause(this.clock, jitter(PAUSE_MS), options.signal)
    }
  }

  /** The error for a call that had no answer. */
  failure(call: Call, reply: Exclude<Reply, { type: 'answer' }>, timeoutMs: number): CarillonError {
    const name = `${call.noun}.${call.verb}`
    if (reply.type === 'overloaded') return reply.error
    if (reply.type === 'no-service') return new CarillonError('NO_SERVICE', `No ${call.service} answers ${name}`, { value: name })
    if (reply.type === 'not-sent') {
      return new CarillonError('NATS_UNAVAILABLE', `No connection to ${this.#link.server.address} for ${name}`, { value: name })
    }
    return new CarillonError('CALL_TIMEOUT', `${name} had no answer within ${timeoutMs} ms (${reply.why})`, { value: name })
  }

  /**
   * Send one request and wait for its answer; while there is no connection, wait for that first.
   * @throws the reason of an abort; CarillonError NOT_CONNECTED
   */
  request(call: Call, body: string, options: CallOptions & { timeoutMs: number }): Promise<Reply> {
    const { signal } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.#link.isClosed)
        return reject(new CarillonError('NOT_CONNECTED', `The connection was closed before ${call.noun}.${call.verb}`))
      let reply: string | undefined
      const finish = (settle: () => void) => {
        timer.cancel()
        stopWaiting()
        signal?.removeEventListener('abort', onAbort)
        if (reply !== undefined) this.#link.forgetAnswer(reply)
        settle()
      }
      const onAbort = () => finish(() => reject(signal?.reason))
      const send = () => {
        stopWaiting()
        reply = this.#link.expectAnswer({
          onAnswer: (message) => finish(() => resolve(replyOf(message))),
          onDisconnect: () => finish(() => resolve({ type: 'unknown', why: 'the connection was lost' })),
        })
        const headers = this.#headersOf(call, options.traceparent)
        this.#link.publish(subjects.api(this.namespace, call.noun, call.verb), body, { reply, ...headers })
      }
      let stopWaiting: () => void = () => undefined
      const timer = this.clock.after(options.timeoutMs, () =>
        finish(() => resolve(reply === undefined ? { type: 'not-sent' } : { type: 'unknown', why: 'silence' })),
      )
      signal?.addEventListener('abort', onAbort, { once: true })
      if (this.#link.isUp) send()
      else stopWaiting = this.#link.onUp(send)
    })
  }

  /** Nothing keeps who makes the calls of tasks: their run says that. */
  #headersOf({ noun }: Call, traceparent: string | undefined): ReturnType<typeof headersOf> {
    if (noun === 'tasks') return headersOf({ traceparent })
    return traceparent === undefined ? this.#headers : headersOf({ traceparent, by: this.#by })
  }
}

const HEADER_BYTES = 1_024

function replyOf(message: Msg): Reply {
  if (isNoResponders(message)) return { type: 'no-service' }
  try {
    const body = message.json<{ error?: ErrorBody } | null>()
    if (body?.error?.code === 'OVERLOADED') return { type: 'overloaded', error: CarillonError.fromBody(body.error) }
    return { type: 'answer', body }
  } catch {
    return { type: 'answer', body: { error: { code: 'INTERNAL', message: 'The service answered something that is not JSON' } } }
  }
}

/** The output of an answer. @throws CarillonError that the service answered */
export function outputOf(body: unknown): unknown {
  const error = typeof body === 'object' && body !== null && 'error' in body ? (body.error as ErrorBody | undefined) : undefined
  if (error === undefined || error === null) return body
  throw CarillonError.fromBody({ ...error, code: String(error.code), message: String(error.message) })
}
