import type { Outgoing, Refusal, StreamPublisher } from '@carillon/wire/internal'
import { freshServiceId } from '../ids.ts'

const TRIES = 3

/**
 * Publishes a rare message that must not be lost, such as an event: under a message id, repeated until it is acknowledged.
 * @param done is called once: with undefined when the broker has stored it, else with the last refusal
 */
export function publishUntilTaken(publisher: StreamPublisher, message: Outgoing, done: (refusal: Refusal | undefined) => void): void {
  const known = { ...message, messageId: message.messageId ?? freshServiceId('once') }
  const publish = (tries: number) =>
    publisher.publish(known, (refusal) => {
      const isUnanswered = refusal !== undefined && refusal.code === undefined
      if (isUnanswered && tries < TRIES) publish(tries + 1)
      else done(refusal)
    })
  publish(1)
}
