import { type OfferAnswer, parseSubject } from '@carillon/contracts'
import type { Broker, Outgoing, Refusal, StreamPublisher } from '@carillon/runtime'

/** A broker that keeps what is said to it, and answers as a test wants. */
export class FakeBroker {
  /** Messages into streams. */
  readonly published: Outgoing[] = []
  /** Unstored messages. */
  readonly signals: { readonly subject: string; readonly body: unknown }[] = []
  readonly purged: string[] = []
  readonly offers: { readonly subject: string; readonly body: { taskId: string; attempt: number } }[] = []
  /** What streams say to a message; undefined: stored. */
  refusal: (message: Outgoing) => Refusal | undefined = () => undefined
  answerOffer: (instance: string) => OfferAnswer = () => ({ accepted: true })

  readonly publisher = {
    publish: (message: Outgoing, done?: (refusal: Refusal | undefined) => void) => {
      const refusal = this.refusal(message)
      if (!refusal) this.published.push(message)
      if (done) setImmediate(() => done(refusal))
    },
  } as unknown as StreamPublisher

  readonly broker = {
    connection: {
      publish: (subject: string, body: string) => void this.signals.push({ subject, body: JSON.parse(body) }),
      request: async (subject: string, body: string) => {
        this.offers.push({ subject, body: JSON.parse(body) })
        const answer = this.answerOffer(parseSubject(subject)?.rest[0] ?? '')
        return { json: () => answer }
      },
      flush: () => Promise.resolve(),
      isClosed: () => false,
    },
    manager: { streams: { purge: async (_stream: string, { filter }: { filter: string }) => void this.purged.push(filter) } },
    onReconnect: () => undefined,
  } as unknown as Broker

  /** Bodies of messages and signals whose subject begins so, after the namespace. */
  said(begin: string): Record<string, unknown>[] {
    const all = [...this.published.map(({ subject, body }) => ({ subject, body: JSON.parse(body) })), ...this.signals]
    return all.filter(({ subject }) => subject.split('.').slice(2).join('.').startsWith(begin)).map(({ body }) => body)
  }
}
