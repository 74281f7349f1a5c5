import type { Outgoing, Refusal } from '@carillon/runtime'

type Publish = (message: Outgoing, done: (refusal: Refusal | undefined) => void) => void

/** `publishAll` of a publisher that gets an acknowledgement for each message. */
export const publishEach =
  (publish: Publish) =>
  (messages: readonly Outgoing[], done: (refusals: readonly (Refusal | undefined)[], sequences: readonly undefined[]) => void) =>
    void Promise.all(messages.map((message) => new Promise<Refusal | undefined>((resolve) => publish(message, resolve)))).then((refusals) =>
      done(refusals, []),
    )
