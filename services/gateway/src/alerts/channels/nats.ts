import { HEADERS, messageOf } from '@carillon/contracts'
import { type Broker, headersOf } from '@carillon/runtime'
import type { Channel, Notice, SendTimes } from './channel.ts'
import { bodyOf } from './webhook.ts'

interface Settings {
  readonly subject: string
}

/** A message on a subject of the broker. Delivered means that the broker has it: whether someone listens, or a stream keeps it, is not asked. */
export const natsChannel = (connection: Broker['connection'], { answerMs }: Pick<SendTimes, 'answerMs'>): Channel<Settings> => ({
  kind: 'nats',
  limit: undefined,
  noticesPerMessage: 1,
  async send({ id, notices, at }, { subject }) {
    try {
      connection.publish(subject, JSON.stringify(bodyOf(notices[0] as Notice, at)), headersOf({ messageId: id }))
      await within(answerMs, connection.flush())
      return { is: 'delivered', answer: `published with ${HEADERS.messageId} ${id}` }
    } catch (error) {
      return { is: 'retry', answer: messageOf(error) }
    }
  },
})

/** While the broker is away its client waits for it, and would wait for ever. */
function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  const late = new Promise<never>((_, reject) => {
    AbortSignal.timeout(ms).addEventListener('abort', () => reject(new Error(`the broker has not answered within ${ms} ms`)), {
      once: true,
    })
  })
  return Promise.race([promise, late])
}
