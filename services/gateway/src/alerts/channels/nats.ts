import { HEADERS, messageOf } from '@carillon/contracts'
import { type Broker, headersOf } from '@carillon/runtime'
import type { Channel, Notice } from './channel.ts'
import { bodyOf } from './webhook.ts'

interface Settings {
  readonly subject: string
}

/** A message on a subject of the broker. Delivered means that the broker has it: whether someone listens, or a stream keeps it, is not asked. */
export const natsChannel = (connection: Broker['connection']): Channel<Settings> => ({
  kind: 'nats',
  limit: undefined,
  isDigestible: false,
  async send({ id, notices, at }, { subject }) {
    try {
      connection.publish(subject, JSON.stringify(bodyOf(notices[0] as Notice, at)), headersOf({ messageId: id }))
      await connection.flush()
      return { is: 'delivered', answer: `published with ${HEADERS.messageId} ${id}` }
    } catch (error) {
      return { is: 'retry', answer: messageOf(error) }
    }
  },
})
