import { CarillonError, checkName, HEADERS, parseBody, parseSubject, subjects } from '@carillon/contracts'
import type { StreamPublisher } from '@carillon/wire/internal'
import type { JsMsg } from '@nats-io/jetstream'
import type { MsgHdrs } from '@nats-io/transport-node'
import type { Logger } from '../logger.ts'
import { meter } from '../metrics.ts'
import { publishUntilTaken } from './publish-until-taken.ts'

/** A message of a stream, parsed as far as every reader needs. */
export interface Incoming {
  readonly subject: string
  readonly namespace: string
  /** The subject's token after its class: a job, an instance, a run. */
  readonly name: string
  /** Null when empty. It, or parts of it, may be `UnacceptableJson`. */
  readonly body: unknown
  /** Of the message. */
  readonly bytes: number
  readonly sequence: number
  /** When the broker stored it, ms since 1970. */
  readonly storedAt: number
  readonly traceparent: string | undefined
  headerNames(): readonly string[]
  header(name: string): string | undefined
}

/** @throws CarillonError INVALID_NAME of a token of the subject */
export function readIncoming(message: JsMsg): Incoming {
  const tokens = parseSubject(message.subject)
  const namespace = checkName('namespace', tokens?.namespace)
  return readMessage(message, { namespace, name: checkName(tokens?.class ?? 'subject', tokens?.rest[0]) })
}

/** The same of a message whose subject may be foreign. */
export function readMessage(message: JsMsg, { namespace, name }: Pick<Incoming, 'namespace' | 'name'>): Incoming {
  const header = (field: string) => headerOf(message.headers, field)
  return {
    subject: message.subject,
    namespace,
    name,
    body: parseBody(message.data),
    bytes: message.data.length,
    sequence: message.seq,
    storedAt: message.timestampNanos ? Number(message.timestampNanos / 1_000_000n) : 0,
    traceparent: header(HEADERS.traceparent),
    headerNames: () => message.headers?.keys() ?? [],
    header,
  }
}

function headerOf(headers: MsgHdrs | undefined, name: string): string | undefined {
  return headers?.get(name) || undefined
}

/** A message that cannot be parsed is rejected: counted, logged, and published as an event into stream EVENTS. */
export class RejectedMessages {
  readonly #publisher: StreamPublisher
  readonly #log: Logger
  readonly #counter = meter.counter('carillon.messages.rejected', 'Messages rejected')
  count = 0

  constructor(publisher: StreamPublisher, log: Logger) {
    this.#publisher = publisher
    this.#log = log
  }

  reject(message: { subject: string; text: string; error: unknown; stream: string; now: number }): void {
    const error = CarillonError.from(message.error)
    this.count++
    this.#counter.add(1, { stream: message.stream, code: error.code })
    this.#log.warn({ evt: 'message.rejected', subject: message.subject, code: error.code, reason: error.message }, 'a message was rejected')
    const namespace = parseSubject(message.subject)?.namespace ?? 'default'
    const body = {
      subject: message.subject,
      code: error.code,
      message: error.message,
      body: message.text.slice(0, 4096),
      at: new Date(message.now).toISOString(),
    }
    publishUntilTaken(
      this.#publisher,
      { subject: subjects.event(namespace, 'message', message.stream, 'rejected'), body: JSON.stringify(body) },
      (refusal) => {
        if (refusal)
          this.#log.error(
            { evt: 'message.rejected-unsaved', ...body, refusal: refusal.message },
            'a message that was rejected could not be kept',
          )
      },
    )
  }
}
