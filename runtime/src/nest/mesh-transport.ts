import { type Call, parseBody, parseSubject, SERVICE_CONSUMERS, SUBJECT_ROOT, UnacceptableJson } from '@carillon/contracts'
import type { Clock } from '@carillon/wire/internal'
import type { Msg, Subscription } from '@nats-io/transport-node'
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices'
import { isObservable, lastValueFrom } from 'rxjs'
import type { Logger } from '../logger.ts'
import { ApiService, callOf } from '../nats/api-service.ts'
import type { AuditTrail } from '../nats/audit-trail.ts'
import { BatchConsumer } from '../nats/batch-consumer.ts'
import type { Broker } from '../nats/connection.ts'
import { type Incoming, type RejectedMessages, readIncoming } from '../nats/incoming.ts'
import type { Request } from '../nats/request.ts'
import type { Signal } from './controllers.ts'

export interface MeshTransportOptions {
  readonly service: Call['service']
  readonly broker: Broker
  readonly log: Logger
  readonly clock: Clock
  readonly rejected: RejectedMessages
  readonly trail: AuditTrail
  /** Messages in a batch and batches under way, for the streams that this service takes. */
  readonly batches: { readonly maxMessages: number; readonly maxInFlight: number }
}

/**
 * Nest over NATS in our own framing: bodies are plain JSON, calls are announced through the NATS services protocol, streams are taken in
 * batches.
 */
export class MeshTransport extends Server implements CustomTransportStrategy {
  readonly #options: MeshTransportOptions
  readonly #api: ApiService
  readonly #consumers: BatchConsumer[] = []
  readonly #subscriptions: Subscription[] = []

  constructor(options: MeshTransportOptions) {
    super()
    this.#options = options
    this.#api = new ApiService({ ...options, connection: options.broker.connection })
  }

  listen(callback: (error?: unknown) => void): void {
    this.#listen().then(() => callback(), callback)
  }

  async #listen(): Promise<void> {
    const calls = new Map<Call, (request: Request) => Promise<unknown>>()
    for (const [pattern, handler] of this.messageHandlers) {
      const [kind = '', name = ''] = pattern.split(' ')
      const invoke = (data: unknown) => this.#invoke(handler, data)
      if (kind === 'call') calls.set(callOf(name) as Call, invoke)
      else if (kind === 'batch') this.#consumers.push(this.#consumer(name as keyof typeof SERVICE_CONSUMERS, invoke))
      else this.#subscriptions.push(this.#hear(name, { invoke, rejects: kind === 'signal' }))
    }
    for (const consumer of this.#consumers) await consumer.start()
    await this.#api.listen(this.#options.service, calls)
    await this.#options.broker.connection.flush()
  }

  /** Nest answers with an observable what its own filters have made of an error. */
  async #invoke(handler: MessageHandler, data: unknown): Promise<unknown> {
    const result: unknown = await handler(data)
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result
  }

  #consumer(stream: keyof typeof SERVICE_CONSUMERS, invoke: (batch: Incoming[]) => Promise<unknown>): BatchConsumer {
    const { broker, log, clock, rejected, batches } = this.#options
    return new BatchConsumer({
      ...{ connection: broker.connection, stream, consumer: SERVICE_CONSUMERS[stream], log, clock, rejected, ...batches },
      read: readIncoming,
      handle: invoke,
    })
  }

  #hear(subject: string, { invoke, rejects }: { invoke: (signal: Signal) => Promise<unknown>; rejects: boolean }): Subscription {
    const callback = (_error: Error | null, message: Msg) => {
      const fail = (error: unknown) => {
        const stream = subject.split('.')[0] ?? ''
        this.#options.rejected.reject({ subject: message.subject, text: message.string(), error, stream, now: this.#options.clock.now() })
      }
      try {
        const tokens = parseSubject(message.subject)
        const body = parseBody(message.data)
        if (body instanceof UnacceptableJson) throw body.refusal('body')
        const signal: Signal = {
          namespace: tokens?.namespace ?? '',
          tokens: tokens?.rest ?? [],
          body,
        }
        invoke(signal).catch(fail)
      } catch (error) {
        if (rejects) fail(error)
      }
    }
    return this.#options.broker.connection.subscribe(`${SUBJECT_ROOT}.*.${subject}`, { callback })
  }

  /** Accepts nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe()
    await this.#api.stop()
    for (const consumer of this.#consumers.splice(0)) await consumer.stop()
  }

  on(): never {
    throw new Error('MeshTransport emits no events; follow the broker connection instead')
  }

  unwrap<T>(): T {
    return this.#options.broker.connection as T
  }
}
