import { SERVICE_CONSUMERS, STREAMS, type StreamDefinition, type StreamName, TIMES } from '@carillon/contracts'
import {
  AckPolicy,
  type ConsumerConfig,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import { type Clock, pause } from '../clock.ts'
import type { Logger } from '../logger.ts'

const RETRY_AFTER_MS = 500
const NANOS = 1_000_000
/** The server's answer for something that is not there, or is there already with other settings. */
const [STREAM_NOT_FOUND, CONSUMER_NOT_FOUND] = [10059, 10014]

export const apiErrorCode = (error: unknown): number | undefined => (error as { code?: number }).code

function configOf(definition: StreamDefinition, replicas: number) {
  return {
    name: definition.name,
    description: definition.description,
    subjects: [...definition.subjects],
    retention: definition.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    discard: definition.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
    storage: StorageType.File,
    num_replicas: replicas,
    max_bytes: definition.maxBytes,
    max_age: definition.maxAgeMs * NANOS,
    duplicate_window: definition.dedupeMs * NANOS,
    allow_direct: true,
    ...(definition.onePerSubject ? { max_msgs_per_subject: 1, discard_new_per_subject: true } : {}),
  } satisfies Partial<StreamConfig>
}

/** Makes a stream and the consumer that services share on it, where missing. Answers whether the stream was missing. */
export async function ensureStream(manager: JetStreamManager, name: StreamName, replicas = 1): Promise<'created' | 'existing'> {
  const outcome = await manager.streams.info(name).then(
    () => 'existing' as const,
    async (error: unknown) => {
      if (apiErrorCode(error) !== STREAM_NOT_FOUND) throw error
      await manager.streams.add(configOf(STREAMS[name], replicas) as Partial<StreamConfig> & { name: string })
      return 'created' as const
    },
  )
  if (name in SERVICE_CONSUMERS) {
    await ensureConsumer(manager, name, {
      durable_name: SERVICE_CONSUMERS[name as keyof typeof SERVICE_CONSUMERS],
      filter_subjects: [...STREAMS[name].subjects],
      max_ack_pending: 20_000,
    })
  }
  return outcome
}

/** The same for several streams at once. */
export async function ensureStreams(manager: JetStreamManager, names: readonly StreamName[], replicas = 1): Promise<void> {
  await Promise.all(names.map((name) => ensureStream(manager, name, replicas)))
}

/** Tries `step` until it is done or the signal aborts: a broker may come back without its data, and a cluster needs a while until it takes streams. */
export async function untilRestored(step: () => Promise<void>, given: { clock: Clock; log: Logger; signal: AbortSignal }): Promise<void> {
  const { clock, log, signal } = given
  do {
    try {
      return await step()
    } catch (error) {
      if (signal.aborted) return
      log.warn({ evt: 'streams.unrestored', err: error }, 'what the broker should hold cannot be restored yet; trying again')
    }
  } while (await pause(clock, RETRY_AFTER_MS, signal))
}

/** Makes a durable pull consumer with explicit acknowledgement, where missing. */
export async function ensureConsumer(
  manager: JetStreamManager,
  stream: StreamName,
  config: Partial<ConsumerConfig> & { durable_name: string },
): Promise<void> {
  await manager.consumers.info(stream, config.durable_name).catch(async (error: unknown) => {
    if (apiErrorCode(error) !== CONSUMER_NOT_FOUND) throw error
    await manager.consumers.add(stream, { ack_policy: AckPolicy.Explicit, max_deliver: -1, ack_wait: TIMES.ackWaitMs * NANOS, ...config })
  })
}
