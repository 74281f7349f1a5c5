import type { Outgoing, Refusal } from '@carillon/runtime'

type Publish = (message: Outgoing, done: (refusal: Refusal | undefined) => void) => void

/** Publishes several messages as a publisher does that has an answer to each. */
export const publishEach =
  (publish: Publish) => (messages: readonly Outgoing[], done: (refusals: readonly (Refusal | undefined)[]) => void) =>
    void Promise.all(messages.map((message) => new Promise<Refusal | undefined>((resolve) => publish(message, resolve)))).then(done)
