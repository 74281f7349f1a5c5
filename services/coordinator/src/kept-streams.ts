import { PRESENCE_STREAM } from '@carillon/contracts'
import { type Connected, keptStream, observeStream, StreamKeeper } from '@carillon/runtime'
import type { Store } from '@carillon/store'

const STREAMS = ['WORK', 'TRIGGERS', 'REPORTS', 'EVENTS'] as const

/** The streams that a coordinator makes where they are missing, and the registry's bucket, which it only reads. */
export function keeperOf({ store, broker, clock, log, streamReplicas }: Connected & { readonly store: Store }): StreamKeeper {
  const presence = { stream: PRESENCE_STREAM, ensure: () => observeStream(broker.manager, PRESENCE_STREAM) }
  const kept = STREAMS.map((name) =>
    keptStream(broker, name, { replicas: streamReplicas, storeId: name === 'WORK' ? store.id : undefined }),
  )
  return new StreamKeeper({ broker, clock, log, kept: [...kept, presence] })
}
