import { type AssignmentAnswer, HEADERS, type OfferAnswer, parseSubject, type WorkMessage } from '@carillon/contracts'
import type { Broker, Outgoing, Refusal, StreamPublisher } from '@carillon/runtime'
import { publishEach } from './publish-each.ts'

const STORED_EVENT = '$JS.API.DIRECT.GET.EVENTS.'

/** A broker that records messages, and answers as a test wants. */
export class FakeBroker {
  /** Messages into streams. */
  readonly published: Outgoing[] = []
  /** Unstored messages. */
  readonly signals: { readonly subject: string; readonly body: unknown }[] = []
  readonly purged: string[] = []
  readonly offers: {
    readonly subject: string
    readonly body: { taskId: string; attempt: number; readonly alone?: true }
    readonly session: string | undefined
  }[] = []
  readonly assignments: { readonly instance: string; readonly works: readonly WorkMessage[]; readonly session: string | undefined }[] = []
  /** The answer of streams to a message; undefined: stored. */
  refusal: (message: Outgoing) => Refusal | undefined = () => undefined
  answerOffer: (instance: string) => OfferAnswer = () => ({ accepted: true })
  /** Default: it takes everything, and would take 1,000. */
  answerAssignment: (instance: string, works: readonly WorkMessage[]) => AssignmentAnswer | Promise<AssignmentAnswer> = (
    _,
    { length },
  ) => ({
    ...{ declined: [], held: length, most: 1_000 },
  })

  #unanswered: (() => void)[] | undefined
  /** Subjects whose message was requested, by the sequence that was answered. */
  readonly #asked: string[] = []

  /** From now on what is published has no answer until `answerNow`. */
  answerLater(): void {
    this.#unanswered = []
  }

  answerNow(): void {
    for (const answer of this.#unanswered ?? []) answer()
    this.#unanswered = undefined
  }

  readonly #publish = (message: Outgoing, done: (refusal: Refusal | undefined) => void) => {
    const refusal = this.refusal(message)
    if (!refusal) this.published.push(message)
    if (this.#unanswered) this.#unanswered.push(() => done(refusal))
    else setImmediate(() => done(refusal))
  }

  readonly publisher = {
    publish: this.#publish,
    publishAll: publishEach(this.#publish),
    outstandingBytes: 0,
    room: async () => undefined,
  } as unknown as StreamPublisher

  readonly broker = {
    connection: {
      subscribe: () => undefined,
      publish: (subject: string, body: string) => void this.signals.push({ subject, body: JSON.parse(body) }),
      request: async (subject: string, body: string, options?: { headers?: { get(name: string): string } }) => {
        if (subject.startsWith(STORED_EVENT)) return this.#stored(subject.slice(STORED_EVENT.length))
        const [instance = '', session] = [parseSubject(subject)?.rest[0], options?.headers?.get(HEADERS.session)]
        if (body.startsWith('[')) return this.#assigned({ instance, session, works: JSON.parse(body) })
        this.offers.push({ subject, body: JSON.parse(body), session })
        const answer = this.answerOffer(instance)
        return { json: () => answer }
      },
      flush: () => Promise.resolve(),
      isClosed: () => false,
    },
    manager: {
      streams: {
        // No report is unapplied.
        info: async () => ({ state: { last_seq: 0 } }),
        names: () => ({ next: async () => ['OF_OTHERS'] }),
        purge: async (_stream: string, { filter }: { filter: string }) => void this.purged.push(filter),
        deleteMessage: async (_stream: string, sequence: number) => void this.purged.push(this.#asked[sequence] ?? ''),
      },
      direct: {
        getMessage: async (_stream: string, { last_by_subj: subject }: { last_by_subj: string }) => ({
          seq: this.#asked.push(subject) - 1,
          string: () => this.published.findLast((one) => one.subject === subject)?.body ?? '',
        }),
        // Executors have taken all messages.
        getLastMessagesFor: async () => [],
      },
      consumers: { info: async () => ({ delivered: { stream_seq: 0 }, ack_floor: { stream_seq: 0 }, num_ack_pending: 0 }) },
    },
    onReconnect: () => undefined,
  } as unknown as Broker

  async #assigned(assignment: FakeBroker['assignments'][number]) {
    this.assignments.push(assignment)
    const answer = await this.answerAssignment(assignment.instance, assignment.works)
    return { json: () => answer }
  }

  /** The last message of a subject, as a direct get answers it. */
  #stored(subject: string) {
    const message = this.published.findLast((one) => one.subject === subject)
    return { headers: { code: message ? 0 : 404 }, json: () => JSON.parse(message?.body ?? '') }
  }

  /** Bodies of messages and signals whose subject begins so, after the namespace. */
  publishedTo(begin: string): Record<string, unknown>[] {
    const all = [...this.published.map(({ subject, body }) => ({ subject, body: JSON.parse(body) })), ...this.signals]
    return all.filter(({ subject }) => subject.split('.').slice(2).join('.').startsWith(begin)).map(({ body }) => body)
  }
}
