import {
  type AssignmentAnswer,
  type Control,
  isEnded,
  type OfferAnswer,
  parseSubject,
  type Report,
  type RunEndedEvent,
  type WorkMessage,
} from '@carillon/contracts'
import type { Broker, Incoming, Outgoing, Refusal, StreamPublisher } from '@carillon/runtime'
import { noResponders } from '@carillon/runtime/testing'
import { publishEach } from '../publish-each.ts'

const SUBJECT_TAKEN = 10077
const STORED_EVENT = '$JS.API.DIRECT.GET.EVENTS.'

/** A message of the queue: it stays until it is acknowledged. */
export interface Delivery {
  readonly subject: string
  readonly work: WorkMessage
  readonly sequence: number
  count: number
  /** The instance that has it now. */
  holder: string | undefined
}

type Answer = OfferAnswer | AssignmentAnswer | 'nobody' | undefined

/** Asks one instance about a task. */
type Order = Extract<Control, { type: 'cancel' | 'check' }> & { readonly instance: string }

/** What all coordinators and executors of a simulation share: the streams, and control messages that may get lost. */
export class SimulatedBroker {
  readonly work = new Map<string, Delivery>()
  readonly reports: Incoming[] = []
  /** Reports that a coordinator is applying. */
  unacknowledged = 0
  readonly ended: { readonly runId: string; readonly state: string; readonly attempt: number }[] = []
  readonly orders: Order[] = []
  readonly #messageIds = new Set<string>()
  readonly #events = new Map<string, string>()
  #sequence = 0
  /** An instance's answer to an offer. @param from the connection of a coordinator */
  answer: (instance: string, work: WorkMessage, from: object) => OfferAnswer | undefined | Promise<OfferAnswer | undefined> = () =>
    undefined
  /** An instance's answer to an assignment. */
  assign: (instance: string, works: readonly WorkMessage[], from: object) => Promise<AssignmentAnswer | undefined | 'nobody'> = async () =>
    undefined

  /** The broker as one coordinator sees it; nothing passes once that is dead. */
  seenBy(isDead: () => boolean): { broker: Broker; publisher: StreamPublisher } {
    const publish = (message: Outgoing, done: (refusal: Refusal | undefined) => void) => {
      if (isDead()) return
      const refusal = this.#store(message)
      setImmediate(() => !isDead() && done(refusal))
    }
    const publisher = {
      publish,
      publishAll: publishEach(publish),
      outstandingBytes: 0,
      room: async () => undefined,
    } as unknown as StreamPublisher
    const broker = {
      connection: {
        subscribe: () => undefined,
        publish: (subject: string, body: string) => void (isDead() || this.#signal(subject, body)),
        request: async (subject: string, body: string) => this.#request(subject, body, isDead),
        isClosed: () => false,
      },
      manager: {
        streams: {
          purge: async (_stream: string, { filter }: { filter: string }) => void (isDead() || this.#purge(filter)),
          deleteMessage: async (_stream: string, sequence: number) => void (isDead() || this.#delete(sequence)),
          info: async () => ({ state: { last_seq: this.#sequence } }),
        },
        direct: {
          getMessage: async (_stream: string, { last_by_subj: subject }: { last_by_subj: string }) => this.#last(subject, isDead),
          getLastMessagesFor: async (_stream: string, query: { multi_last: string[] }) => this.#lastOf(query.multi_last, isDead),
        },
        consumers: {
          info: async () => ({
            ack_floor: { stream_seq: 0 },
            delivered: { stream_seq: this.#sequence },
            num_pending: this.reports.length,
            num_ack_pending: this.unacknowledged,
          }),
        },
      },
      onReconnect: () => undefined,
    } as unknown as Broker
    return { broker, publisher }
  }

  report(instance: string, report: Report): void {
    this.reports.push({
      subject: `carillon.default.report.${instance}`,
      namespace: 'default',
      name: instance,
      body: report as unknown as Incoming['body'],
      bytes: 0,
      sequence: ++this.#sequence,
      storedAt: 0,
      traceparent: undefined,
      headerNames: () => [],
      header: () => undefined,
    })
  }

  /** Of this message alone: by now its subject may hold that of a later attempt. */
  acknowledge(delivery: Delivery): void {
    if (this.work.get(delivery.subject) === delivery) this.work.delete(delivery.subject)
  }

  /** Forgets message ids, as after the deduplication window. */
  forgetIds(): void {
    this.#messageIds.clear()
  }

  #store({ subject, body, messageId }: Outgoing): Refusal | undefined {
    const parsed = parseSubject(subject)
    if (parsed?.class === 'work') {
      if (messageId !== undefined && this.#messageIds.has(messageId)) return undefined
      if (this.work.has(subject)) return { code: SUBJECT_TAKEN, message: 'taken' }
      if (messageId !== undefined) this.#messageIds.add(messageId)
      this.work.set(subject, { subject, work: JSON.parse(body) as WorkMessage, sequence: ++this.#sequence, count: 0, holder: undefined })
    } else if (parsed?.class === 'event' && parsed.rest[0] === 'run') {
      this.#events.set(subject, body)
      const [, runId = '', state = ''] = parsed.rest
      if (isEnded(state as never)) this.ended.push({ runId, state, attempt: (JSON.parse(body) as RunEndedEvent).attempt })
    }
    return undefined
  }

  #signal(subject: string, body: string): void {
    const parsed = parseSubject(subject)
    if (parsed?.class !== 'control') return
    const order = JSON.parse(body) as Control
    if (order.type === 'cancel' || order.type === 'check') this.orders.push({ ...order, instance: parsed.rest[0] ?? '' })
  }

  async *#lastOf(subjects: readonly string[], isDead: () => boolean): AsyncGenerator<{ subject: string; seq: number }> {
    if (isDead()) await new Promise<never>(() => undefined)
    for (const pattern of subjects)
      for (const [subject, { sequence }] of this.work) if (matches(subject, pattern)) yield { subject, seq: sequence }
  }

  #request(subject: string, body: string, isDead: () => boolean) {
    if (isDead()) return new Promise<never>(() => undefined)
    if (subject.startsWith(STORED_EVENT)) {
      const event = this.#events.get(subject.slice(STORED_EVENT.length))
      return { headers: { code: event === undefined ? 404 : 0 }, json: () => JSON.parse(event ?? '{}') }
    }
    const instance = parseSubject(subject)?.rest[0] ?? ''
    const asked = JSON.parse(body) as WorkMessage | WorkMessage[]
    return Array.isArray(asked)
      ? answered(this.assign(instance, asked, isDead), isDead)
      : answered(this.answer(instance, asked, isDead), isDead)
  }

  async #last(subject: string, isDead: () => boolean) {
    if (isDead()) return new Promise<never>(() => undefined)
    const delivery = this.work.get(subject)
    return delivery ? { seq: delivery.sequence, string: () => JSON.stringify(delivery.work) } : null
  }

  #delete(sequence: number): void {
    for (const [subject, delivery] of this.work) if (delivery.sequence === sequence) this.work.delete(subject)
  }

  #purge(filter: string): void {
    for (const subject of [...this.work.keys()]) if (matches(subject, filter)) this.work.delete(subject)
  }
}

/** What comes of a request: its answer, or an error if there is none. Nothing any more once its sender is dead. */
async function answered(awaited: Answer | Promise<Answer>, isDead: () => boolean): Promise<{ json: () => Answer }> {
  const answer = awaited instanceof Promise ? await awaited : awaited
  if (isDead()) return new Promise<never>(() => undefined)
  if (answer === undefined) throw new Error('timeout')
  if (answer === 'nobody') throw noResponders('direct')
  return { json: () => answer }
}

function matches(subject: string, filter: string): boolean {
  const [tokens, pattern] = [subject.split('.'), filter.split('.')]
  return tokens.length === pattern.length && pattern.every((token, i) => token === '*' || token === tokens[i])
}
