import { CarillonError, SERVICE_CONSUMERS, STREAMS, type StreamName, TIMES } from '@carillon/contracts'
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  ReplayPolicy,
  type StreamConfig,
  type StreamInfo,
  type StreamUpdateConfig,
} from '@nats-io/jetstream'
import { withCapacityLock } from './capacity-lock.ts'
import { BROKER_VERSION, capacityUpdate, claimUpdate, differenceOf, storeOf, streamConfig, versionOf } from './stream-settings.ts'

const NANOS = 1_000_000
const MIB = 1024 * 1024
/** Error codes of the server. */
const [STREAM_NOT_FOUND, CONSUMER_NOT_FOUND, NAME_IN_USE, SUBJECTS_OVERLAP, NO_STORAGE] = [10059, 10014, 10058, 10065, 10047]
/** Errors of JetStream itself begin here; lower codes mean that it cannot answer now. */
const FIRST_API_ERROR = 10_000
/** A stream is not made smaller when it would be as full as that. */
const FULL_ENOUGH = 0.5

export const apiErrorCode = (error: unknown): number | undefined => (error as { code?: number }).code

/** How a stream is to be. */
export interface DesiredStream {
  /** Copies in a cluster. */
  readonly replicas: number
  /** Of the capacity that each stream should have, in 1/64 to 1: where the broker has little room, all streams have as much less. */
  readonly part: number
  /** Whether an existing stream whose capacity was set by Carillon is resized. `none` without a reason: another service may have set it. */
  readonly change: 'grow' | 'shrink' | 'none'
  /** The store whose work the stream holds. Without it none is claimed or compared. */
  readonly storeId?: string | undefined
}

/** What is known of a stream after it was reconciled. */
export interface ObservedStream {
  /** When the broker made it, ms since 1970: another time is another stream. */
  readonly createdAt: number
  readonly lastSequence: number
  /** The part of its capacity that it has; 1 also where an operator chose another one. */
  readonly part: number
}

const FULL: DesiredStream = { replicas: 1, part: 1, change: 'grow' }

/**
 * Makes a stream and the consumer that services share on it where they are missing, and gives them the settings of this version.
 * @throws CarillonError BROKER_TOO_NEW, STORE_MISMATCH, STREAM_CONFLICT, STORAGE_TOO_SMALL
 */
export async function ensureStream(manager: JetStreamManager, name: StreamName, desired = FULL): Promise<ObservedStream> {
  const info = await infoOf(manager, name)
  const found = info ? await reconcile(manager, info, { name, desired }) : await createStream(manager, name, desired)
  if (name in SERVICE_CONSUMERS) {
    await ensureConsumer(manager, name, {
      durable_name: SERVICE_CONSUMERS[name as keyof typeof SERVICE_CONSUMERS],
      filter_subjects: [...STREAMS[name].subjects],
      max_ack_pending: 20_000,
      lastSequence: found.state.last_seq,
    })
  }
  const { isCapacityOurs } = differenceOf(found.config, STREAMS[name], desired.replicas)
  return observedOf(found, isCapacityOurs ? STREAMS[name].maxBytes : 0)
}

/** What is known of a stream, without a change to it; undefined when it is missing. @param wantedBytes its capacity, if that is ours */
export async function observeStream(manager: JetStreamManager, name: string, wantedBytes = 0): Promise<ObservedStream | undefined> {
  const info = await infoOf(manager, name)
  return info && observedOf(info, wantedBytes)
}

export function observedOf({ config, created, state }: StreamInfo, wantedBytes: number): ObservedStream {
  const part = config.max_bytes > 0 && config.max_bytes < wantedBytes ? config.max_bytes / wantedBytes : 1
  return { createdAt: Date.parse(created), lastSequence: state.last_seq, part }
}

/** Undefined when the stream of the request is missing. */
export async function orMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  return ask().catch((error: unknown) => {
    if (apiErrorCode(error) === STREAM_NOT_FOUND) return undefined
    throw error
  })
}

const infoOf = (manager: JetStreamManager, name: string) => orMissing(() => manager.streams.info(name))

async function createStream(manager: JetStreamManager, name: StreamName, { replicas, part, storeId }: DesiredStream): Promise<StreamInfo> {
  const maxBytes = Math.floor(STREAMS[name].maxBytes * part)
  const config = streamConfig(STREAMS[name], { replicas, maxBytes, storeId }) as Partial<StreamConfig> & { name: string }
  try {
    return await reserveCapacity(manager, { name, maxBytes }, () => manager.streams.add(config))
  } catch (error) {
    // Another service made it in this moment.
    if (apiErrorCode(error) === NAME_IN_USE) return await manager.streams.info(name)
    if (apiErrorCode(error) === SUBJECTS_OVERLAP) throw overlap(name, await streamsThatTake(manager, STREAMS[name].subjects), error)
    throw error
  }
}

async function reconcile(
  manager: JetStreamManager,
  info: StreamInfo,
  given: { name: StreamName; desired: DesiredStream },
): Promise<StreamInfo> {
  const { name, desired } = given
  mustBeUsable(info, desired)
  const { fixed, update, isCapacityOurs } = differenceOf(info.config, STREAMS[name], desired.replicas)
  if (fixed.length > 0) throw conflict(`stream ${name}`, `its ${fixed.join(' and ')} cannot be changed`)
  const updated = update ? await updateStream(manager, name, update) : info
  const isUnclaimed = desired.storeId !== undefined && storeOf(updated.config) === undefined
  const now = isUnclaimed ? await claimed(manager, name, { info: updated, storeId: desired.storeId }) : updated
  const maxBytes = Math.floor(STREAMS[name].maxBytes * desired.part)
  const { max_bytes: current } = now.config
  const isDue =
    desired.change === 'grow'
      ? current < maxBytes
      : desired.change === 'shrink' && current > maxBytes && now.state.bytes < maxBytes * FULL_ENOUGH
  if (!isCapacityOurs || !isDue) return now
  return reserveCapacity(manager, { name, maxBytes }, () => manager.streams.update(name, capacityUpdate(now.config, maxBytes)))
}

/** A broker whose disk is full takes no update: the next round claims the stream. */
async function claimed(manager: JetStreamManager, name: StreamName, given: { info: StreamInfo; storeId: string }): Promise<StreamInfo> {
  try {
    return await updateStream(manager, name, claimUpdate(given.info.config, given.storeId))
  } catch (error) {
    if (apiErrorCode(error) === NO_STORAGE) return given.info
    throw error
  }
}

/**
 * Gives every stream of the protocol this part of its capacity at most, also those that other services keep: of services that start together one may
 * have reserved what the others need. Streams whose capacity an operator chose, or that are too full, stay as they are.
 */
export async function shrinkStreams(manager: JetStreamManager, part: number): Promise<void> {
  for (const name of Object.keys(STREAMS) as StreamName[]) {
    const info = await infoOf(manager, name)
    const maxBytes = Math.floor(STREAMS[name].maxBytes * part)
    if (!info || info.config.max_bytes <= maxBytes || info.state.bytes >= maxBytes * FULL_ENOUGH) continue
    const { isCapacityOurs } = differenceOf(info.config, STREAMS[name], info.config.num_replicas)
    if (isCapacityOurs)
      await reserveCapacity(manager, { name, maxBytes }, () => manager.streams.update(name, capacityUpdate(info.config, maxBytes)))
  }
}

/** Before anything is changed. @throws CarillonError BROKER_TOO_NEW, STORE_MISMATCH */
function mustBeUsable({ config }: StreamInfo, { storeId }: DesiredStream): void {
  const version = versionOf(config)
  if (version > BROKER_VERSION) {
    const message = `stream ${config.name} has version ${version}; this program knows versions up to ${BROKER_VERSION}`
    throw new CarillonError('BROKER_TOO_NEW', message, { field: 'stream', value: config.name })
  }
  const owner = storeOf(config)
  if (storeId === undefined || owner === undefined || owner === storeId) return
  throw new CarillonError('STORE_MISMATCH', `stream ${config.name} holds work of store ${owner}; the store given is ${storeId}`, {
    field: 'store',
    value: storeId,
    hint: `If store ${owner} is gone for good, stop all services and remove the streams with what they hold: nats stream rm.`,
  })
}

async function updateStream(manager: JetStreamManager, name: StreamName, update: Partial<StreamUpdateConfig>): Promise<StreamInfo> {
  try {
    return await manager.streams.update(name, update)
  } catch (error) {
    if (isRefusal(error)) throw conflict(`stream ${name}`, (error as Error).message, error)
    throw error
  }
}

/** The broker has refused the request permanently. */
function isRefusal(error: unknown): boolean {
  const code = apiErrorCode(error) ?? 0
  return code >= FIRST_API_ERROR && ![STREAM_NOT_FOUND, CONSUMER_NOT_FOUND, NO_STORAGE].includes(code)
}

/** Makes a request with which the broker reserves the capacity of a stream. @throws CarillonError STORAGE_TOO_SMALL */
export async function reserveCapacity<T>(
  manager: JetStreamManager,
  { name, maxBytes }: { name: string; maxBytes: number },
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await withCapacityLock(manager, ask)
  } catch (error) {
    if (apiErrorCode(error) !== NO_STORAGE) throw error
    const message = `the broker has no room for ${Math.ceil(maxBytes / MIB)} MiB of stream ${name}`
    throw new CarillonError('STORAGE_TOO_SMALL', message, { field: 'max_file_store', cause: error })
  }
}

/** Names of the streams that take any of these subjects. */
async function streamsThatTake(manager: JetStreamManager, wanted: readonly string[]): Promise<string[]> {
  const names = new Set<string>()
  for (const subject of wanted) for await (const name of manager.streams.names(subject)) names.add(name)
  return [...names]
}

function overlap(name: StreamName, others: readonly string[], cause: unknown): CarillonError {
  const takers = others.length > 0 ? others.map((other) => `stream ${other}`).join(' and ') : 'another stream'
  return new CarillonError('STREAM_CONFLICT', `stream ${name} cannot be made: ${takers} takes its subjects`, {
    field: 'stream',
    value: others.join(', '),
    hint: `Give the other stream other subjects than ${STREAMS[name].subjects.join(', ')}, or remove it.`,
    cause,
  })
}

function conflict(what: string, why: string, cause?: unknown): CarillonError {
  return new CarillonError('STREAM_CONFLICT', `${what} is not one that Carillon can use: ${why}`, {
    field: 'stream',
    value: what,
    hint: `See its settings: nats ${what.startsWith('stream') ? 'stream' : 'consumer'} info. If nothing else needs it, remove it; it is recreated.`,
    cause,
  })
}

type ConsumerSettings = Partial<ConsumerConfig> & { durable_name: string }

/** Defaults of the settings that Carillon does not use. */
const PLAIN = {
  deliver_policy: DeliverPolicy.All,
  deliver_subject: '',
  filter_subject: '',
  filter_subjects: [],
  headers_only: false,
  inactive_threshold: 0,
  backoff: [],
  max_batch: 0,
  max_bytes: 0,
  max_expires: 0,
  mem_storage: false,
  replay_policy: ReplayPolicy.Instant,
} satisfies Partial<ConsumerConfig>

/**
 * Makes a durable pull consumer with explicit acknowledgement where it is missing, and gives it these settings where it has others.
 * @param wanted.lastSequence of its stream: a consumer that has delivered more belongs to a stream which was lost, and would skip new messages
 */
export async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  { lastSequence, ...wanted }: ConsumerSettings & { lastSequence?: number },
): Promise<void> {
  const settings = { ack_policy: AckPolicy.Explicit, max_deliver: -1, ack_wait: TIMES.ackWaitMs * NANOS, ...wanted }
  const name = wanted.durable_name
  const info = await manager.consumers.info(stream, name).catch((error: unknown) => {
    if (apiErrorCode(error) === CONSUMER_NOT_FOUND) return undefined
    throw error
  })
  if (!info) await manager.consumers.add(stream, settings)
  else if (lastSequence !== undefined && info.delivered.stream_seq > lastSequence && (await isAhead(manager, stream, info)))
    await recreate(manager, stream, settings)
  // Its pulls are refused without a group, and the client has no update that takes groups away.
  else if (info.config.priority_groups?.length) await recreate(manager, stream, settings)
  else if (differs(info.config, settings)) await updateConsumer(manager, stream, settings)
}

async function updateConsumer(manager: JetStreamManager, stream: string, settings: ConsumerSettings): Promise<void> {
  try {
    await manager.consumers.update(stream, settings.durable_name, { ...PLAIN, ...settings })
  } catch (error) {
    if (!isRefusal(error)) throw error
    // Such as one that pushes. What it has not acknowledged is delivered by the new one.
    await recreate(manager, stream, settings)
  }
}

async function recreate(manager: JetStreamManager, stream: string, settings: ConsumerSettings): Promise<void> {
  await manager.consumers.delete(stream, settings.durable_name).catch((error: unknown) => {
    if (apiErrorCode(error) !== CONSUMER_NOT_FOUND) throw error
  })
  await manager.consumers.add(stream, settings)
}

/** Asked again: between the first two questions something may have been stored and delivered. */
async function isAhead(manager: JetStreamManager, stream: string, { delivered }: ConsumerInfo): Promise<boolean> {
  return delivered.stream_seq > (await manager.streams.info(stream)).state.last_seq
}

function differs(current: ConsumerConfig, settings: ConsumerSettings): boolean {
  const is: Record<string, unknown> = { ...PLAIN, ...current }
  return Object.entries({ ...PLAIN, ...settings }).some(([key, value]) => JSON.stringify(is[key]) !== JSON.stringify(value))
}
