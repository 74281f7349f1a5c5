import {
  CALL_HEADERS,
  CALLS,
  type Call,
  CarillonError,
  checkBy,
  checkHeaders,
  checkName,
  HEADERS,
  jsonSchemaOf,
  LIMITS,
  PROTOCOL_VERSION,
  parseBody,
  parseInput,
  parseSubject,
  SUBJECT_ROOT,
  UnacceptableJson,
  VERSION,
} from '@carillon/contracts'
import type { Clock } from '@carillon/wire/internal'
import { type Service, type ServiceMsg, Svcm } from '@nats-io/services'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from '../logger.ts'
import { meter } from '../metrics.ts'
import type { AuditTrail } from './audit-trail.ts'
import { audited, originOf } from './audited-call.ts'
import { LargeRequests } from './large-requests.ts'
import type { Request } from './request.ts'

export interface ApiServiceOptions {
  readonly connection: NatsConnection
  readonly log: Logger
  readonly clock: Clock
  readonly trail: AuditTrail
}

const QUEUE = 'carillon'
/** Above a request for a thousand small runs. */
const LARGE_BYTES = 128 * 1024

/**
 * Serves calls under `carillon.*.api.<noun>.<verb>`, announced through the NATS services protocol. A failure is answered as
 * `{"error": …}`, with the headers that the protocol prescribes.
 */
export class ApiService {
  readonly #connection: NatsConnection
  readonly #log: Logger
  readonly #clock: Clock
  readonly #trail: AuditTrail
  readonly #underWay = new Set<Promise<void>>()
  readonly #large = new LargeRequests()
  readonly #calls = meter.counter('carillon.calls', 'Calls that were answered, by call and code')
  readonly #durations = meter.seconds('carillon.call.duration.seconds', 'How long calls took to be answered')
  #service: Service | undefined

  constructor({ connection, log, clock, trail }: ApiServiceOptions) {
    this.#connection = connection
    this.#log = log
    this.#clock = clock
    this.#trail = trail
  }

  async listen(service: Call['service'], handlers: ReadonlyMap<Call, (request: Request) => Promise<unknown>>): Promise<void> {
    // The services package brings a nats-core of its own; only its types differ.
    this.#service = await new Svcm(this.#connection as never).add({
      name: `carillon-${service}`,
      version: VERSION,
      description: `Carillon ${service}`,
      queue: QUEUE,
      metadata: { protocol: String(PROTOCOL_VERSION) },
    })
    for (const call of handlers.keys()) {
      const handle = audited(call, handlers, { trail: this.#trail, clock: this.#clock })
      this.#service.addEndpoint(`${call.noun}-${call.verb}`, {
        subject: `${SUBJECT_ROOT}.*.api.${call.noun}.${call.verb}`,
        metadata: {
          description: call.description,
          request_schema: JSON.stringify(jsonSchemaOf(call.input, 'input')),
          response_schema: JSON.stringify(jsonSchemaOf(call.answer, 'output')),
        },
        handler: (_error, message) => this.#follow(this.#accept(message, call, handle), call),
      })
    }
  }

  #follow(answer: Promise<void>, { noun, verb }: Call): void {
    const followed = answer
      .catch((error: unknown) =>
        this.#log.warn({ evt: 'call.unanswered', call: `${noun}.${verb}`, err: error }, 'a call could not be answered'),
      )
      .finally(() => this.#underWay.delete(followed))
    this.#underWay.add(followed)
  }

  #accept(message: ServiceMsg, call: Call, handle: (request: Request) => Promise<unknown>): Promise<void> {
    const bytes = message.data.length
    if (bytes <= LARGE_BYTES) return this.#serve(message, call, handle)
    if (this.#large.hasRoom(bytes)) return this.#large.inTurn(bytes, () => this.#serve(message, call, handle))
    const error = new CarillonError('OVERLOADED', `${call.noun}.${call.verb} was not taken: too many large requests wait`)
    return Promise.resolve(this.#refuse(message, call, error))
  }

  async #serve(message: ServiceMsg, call: Call, handle: (request: Request) => Promise<unknown>): Promise<void> {
    const begun = this.#clock.monotonic()
    try {
      // Input of a caller is in the body.
      if (message.headers) checkHeaders(message.headers.keys(), CALL_HEADERS)
      const namespace = checkName('namespace', parseSubject(message.subject)?.namespace)
      const body = parseBody(message.data, {})
      if (body instanceof UnacceptableJson) throw body.refusal('body')
      const input = parseInput(call.input, body)
      const output = await handle({
        namespace,
        input,
        bytes: message.data.length,
        traceparent: message.headers?.get(HEADERS.traceparent) || undefined,
        by: checkBy(message.headers?.get(HEADERS.by)),
        origin: originOf(message.headers?.get(HEADERS.account)),
      })
      message.respond(Buffer.from(JSON.stringify(output)))
      this.#count(call, 'OK')
    } catch (error) {
      this.#refuse(message, call, CarillonError.from(error))
    }
    this.#durations.record(this.#clock.monotonic() - begun, { call: `${call.noun}.${call.verb}` })
  }

  #count({ noun, verb }: Call, code: string): void {
    this.#calls.add(1, { call: `${noun}.${verb}`, code })
  }

  #refuse(message: ServiceMsg, call: Call, error: CarillonError): void {
    this.#count(call, error.code)
    if (error.code === 'INTERNAL')
      this.#log.error({ evt: 'call.failed', call: `${call.noun}.${call.verb}`, err: error.cause ?? error }, 'a call failed')
    message.respondError(
      error.code === 'INTERNAL' ? 500 : 400,
      `${error.code}: ${error.message}`.replaceAll(/\s+/g, ' ').slice(0, 200),
      refusalText(error),
    )
  }

  /** Takes no further calls, and waits for the answers that are under way. */
  async stop(): Promise<void> {
    await this.#service?.stop()
    this.#service = undefined
    await Promise.all(this.#underWay)
    this.#trail.flush()
  }
}

/** An error has to arrive: one that would not fit into a message says less. */
export function refusalText(error: CarillonError): string {
  const text = JSON.stringify({ error: error.toBody() })
  if (Buffer.byteLength(text) <= LIMITS.messageBytes) return text
  const { code, message, retry, field, hint = '' } = error.toBody()
  const short = (of: string) => of.slice(0, SHORT_LETTERS)
  return JSON.stringify({
    error: { code, message: short(message), retry, ...(field === undefined ? {} : { field: short(field) }), hint: short(hint) },
  })
}

const SHORT_LETTERS = 4_096

/** The call of a `<noun>.<verb>`. */
export const callOf = (path: string): Call | undefined => Object.values(CALLS).find((call) => `${call.noun}.${call.verb}` === path)
