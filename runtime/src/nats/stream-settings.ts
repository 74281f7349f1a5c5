import type { StreamDefinition } from '@carillon/contracts'
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamUpdateConfig } from '@nats-io/jetstream'

const NANOS = 1_000_000

/**
 * Raised with every change of a stream's settings: while two versions of a program run side by side, the older one leaves alone what the newer
 * one has set.
 */
const REVISION = 1

/**
 * Version of what streams hold: raised when an older program would misread a message, or break what newer ones rely on. An older program
 * then refuses to start (BROKER_TOO_NEW), and one that runs leaves its streams alone. Streams without it are of before there was one.
 */
export const BROKER_VERSION = 1

/** The capacity that Carillon has set is written into the stream's metadata, so that a limit that an operator changed can be distinguished. */
const METADATA = {
  version: 'carillon.version',
  revision: 'carillon.revision',
  maxBytes: 'carillon.max-bytes',
  maxAge: 'carillon.max-age',
  store: 'carillon.store',
} as const

/** No limits but those of the definition, and no sender removes messages of others. These are the broker's defaults. */
const UNLIMITED = { max_msgs: -1, max_msg_size: -1, no_ack: false, consumer_limits: {}, allow_rollup_hdrs: false } as const

/** What no stream of the protocol has: settings that store messages that were not sent to it, or under other subjects. */
const ADDITIONS = ['subject_transform', 'sources'] as const

/** The update that removes settings that were added to a stream; empty when there are none. */
export function withoutAdditions(current: StreamConfig): Partial<StreamUpdateConfig> {
  const added = ADDITIONS.filter((key) => current[key] !== undefined && current[key] !== null)
  return Object.fromEntries(added.map((key) => [key, undefined]))
}

/** All that the broker needs to know of a stream. Its capacity may be less than what is wanted where the broker has no room. */
export function streamConfig(definition: StreamDefinition, options: { replicas: number; maxBytes: number; storeId?: string | undefined }) {
  const { maxBytes } = options
  const maxAge = definition.maxAgeMs * NANOS
  return {
    name: definition.name,
    description: definition.description,
    subjects: [...definition.subjects],
    retention: definition.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    discard: definition.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
    storage: StorageType.File,
    num_replicas: options.replicas,
    max_bytes: maxBytes,
    max_age: maxAge,
    duplicate_window: definition.dedupeMs * NANOS,
    allow_direct: true,
    ...UNLIMITED,
    metadata: {
      [METADATA.version]: String(BROKER_VERSION),
      [METADATA.revision]: String(REVISION),
      [METADATA.maxBytes]: String(maxBytes),
      [METADATA.maxAge]: String(maxAge),
      ...(options.storeId === undefined ? {} : { [METADATA.store]: options.storeId }),
    },
    ...(definition.onePerSubject ? { max_msgs_per_subject: 1, discard_new_per_subject: true } : {}),
  } satisfies Partial<StreamConfig>
}

/** Settings that the protocol relies on: always reconciled. */
const BINDING = [
  'description',
  'subjects',
  'discard',
  'duplicate_window',
  'allow_direct',
  'max_msgs_per_subject',
  'discard_new_per_subject',
  'max_msgs',
  'max_msg_size',
  'no_ack',
  'consumer_limits',
  'allow_rollup_hdrs',
] as const

/** What a broker never changes. */
const FIXED = ['retention', 'storage'] as const
/** What a broker never takes back once it is set: nothing can be stored, or nothing that was acknowledged or withdrawn can be deleted. */
const IRREVOCABLE = ['sealed', 'mirror', 'deny_delete', 'deny_purge'] as const

/** What a program of another version has set otherwise. */
const MARKS = [METADATA.version, METADATA.revision] as const

/** What must be changed about a stream that exists. */
export interface SettingsDifference {
  /** Settings that differ and cannot be changed: the stream is a foreign one, or made by hand. */
  readonly fixed: readonly string[]
  /** An update without any effect on capacity; undefined: none is needed. */
  readonly update: Partial<StreamUpdateConfig> | undefined
  /** Whether the capacity was set by Carillon. One that an operator chose stays. */
  readonly isCapacityOurs: boolean
}

/** Compares a stream with its definition. Copies are only ever added: services that are set to fewer do not take them away from each other. */
export function differenceOf(current: StreamConfig, definition: StreamDefinition, replicas: number): SettingsDifference {
  const wanted: Partial<StreamConfig> = streamConfig(definition, { replicas, maxBytes: current.max_bytes })
  const given = current.metadata ?? {}
  if (Number(given[METADATA.revision] ?? 0) > REVISION) return { fixed: [], update: undefined, isCapacityOurs: false }
  const update = withoutAdditions(current)
  for (const key of BINDING)
    if (key in wanted && !isSame({ ...UNLIMITED, ...current }[key], wanted[key])) Object.assign(update, { [key]: wanted[key] })
  if (current.num_replicas < replicas) update.num_replicas = replicas
  const isAgeOurs = isOurs(given[METADATA.maxAge], current.max_age)
  if (isAgeOurs && current.max_age !== wanted.max_age) update.max_age = wanted.max_age as number
  const isChanged = Object.keys(update).length > 0 || MARKS.some((mark) => given[mark] !== wanted.metadata?.[mark])
  const metadata = { ...given, ...wanted.metadata, [METADATA.maxBytes]: given[METADATA.maxBytes] ?? String(current.max_bytes) }
  return {
    fixed: [...FIXED.filter((key) => current[key] !== wanted[key]), ...IRREVOCABLE.filter((key) => current[key])],
    update: isChanged ? { ...update, metadata } : undefined,
    isCapacityOurs: isOurs(given[METADATA.maxBytes], current.max_bytes),
  }
}

/** The version of what a stream holds. */
export const versionOf = ({ metadata }: StreamConfig): number => Number(metadata?.[METADATA.version] ?? 0)

/** The store whose work a stream holds; undefined: no coordinator has claimed it yet. */
export const storeOf = ({ metadata }: StreamConfig): string | undefined => metadata?.[METADATA.store]

export const claimUpdate = (current: StreamConfig, storeId: string): Partial<StreamUpdateConfig> => ({
  metadata: { ...current.metadata, [METADATA.store]: storeId },
})

/** The update that gives a stream another capacity, and marks it as set by Carillon. */
export const capacityUpdate = (current: StreamConfig, maxBytes: number): Partial<StreamUpdateConfig> => ({
  max_bytes: maxBytes,
  metadata: { ...current.metadata, [METADATA.maxBytes]: String(maxBytes) },
})

/** A stream without the mark was made by an earlier version, which knew no capacity but its own. */
const isOurs = (given: string | undefined, current: number) => given === undefined || given === String(current)

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
