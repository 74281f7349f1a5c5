import { TIMES } from './limits.ts'
import type { Priority } from './plan.ts'
import { SUBJECT_ROOT } from './subjects.ts'

/** A stream of the protocol. Sizes are caps, not reservations of a disk. */
export interface StreamDefinition {
  readonly name: StreamName
  readonly subjects: readonly string[]
  readonly description: string
  /** `workqueue`: a message lives until it is acknowledged. `limits`: until it is old or the stream is full. */
  readonly retention: 'workqueue' | 'limits'
  /** `new`: a full stream refuses messages. `old`: it drops its oldest. */
  readonly discard: 'new' | 'old'
  readonly maxBytes: number
  readonly maxAgeMs: number
  /** How long the broker remembers message ids. */
  readonly dedupeMs: number
  /** At most one message a subject; a second is refused, so that publishing again is harmless. */
  readonly onePerSubject: boolean
}

export type StreamName = 'TRIGGERS' | 'WORK' | 'REPORTS' | 'LOGS' | 'EVENTS'

const MIB = 1024 * 1024
const DAY_MS = 86_400_000

/** Every stream. Streams that carry work refuse new messages when full, they never drop old ones. */
export const STREAMS: Readonly<Record<StreamName, StreamDefinition>> = {
  TRIGGERS: stream('TRIGGERS', {
    subjects: ['trigger.*', 'signal.*.*'],
    description: 'Requests to fire a job, and signals to runs',
    maxBytes: 256 * MIB,
  }),
  WORK: stream('WORK', {
    subjects: ['work.*.*.>'],
    description: 'Tasks for the queue group of their handler',
    maxBytes: 1024 * MIB,
    onePerSubject: true,
    // The one message of a subject prevents duplicates for as long as it exists; remembering every id for minutes costs the broker memory at high rates.
    dedupeMs: TIMES.ackWaitMs,
  }),
  REPORTS: stream('REPORTS', { subjects: ['report.*'], description: 'Reports of executors about their tasks', maxBytes: 512 * MIB }),
  LOGS: stream('LOGS', {
    subjects: ['log.*'],
    description: 'Log lines of tasks',
    retention: 'limits',
    discard: 'old',
    maxBytes: 512 * MIB,
    maxAgeMs: DAY_MS,
  }),
  EVENTS: stream('EVENTS', {
    subjects: ['event.>'],
    description: 'What ended or changed',
    retention: 'limits',
    discard: 'old',
    maxBytes: 256 * MIB,
    maxAgeMs: 7 * DAY_MS,
  }),
}

function stream(
  name: StreamName,
  given: Partial<StreamDefinition> & Pick<StreamDefinition, 'subjects' | 'description' | 'maxBytes'>,
): StreamDefinition {
  const subjects = given.subjects.map((rest) => `${SUBJECT_ROOT}.*.${rest}`)
  return { name, retention: 'workqueue', discard: 'new', maxAgeMs: 0, dedupeMs: TIMES.dedupeMs, onePerSubject: false, ...given, subjects }
}

/**
 * The durable consumer of a handler in stream WORK. `~` cannot be part of a name, so no two handlers share one. For another priority than normal there is
 * one from the first such task on.
 */
export const workConsumer = (namespace: string, handler: string, priority: Priority = 'normal') =>
  priority === 'normal' ? `${namespace}~${handler}` : `${namespace}~${handler}~${priority}`
/** The messages of all tasks of a fan-out run. */
export const workOfRunFilter = (namespace: string, handler: string, runId: string) =>
  `${SUBJECT_ROOT}.${namespace}.work.${handler}.*.${runId}.*`
/** What that consumer is filtered to. */
export const workFilter = (namespace: string, handler: string, priority: Priority = 'normal') =>
  `${SUBJECT_ROOT}.${namespace}.work.${handler}.${priority}.>`

/** The durable consumers that services share, by stream. */
export const SERVICE_CONSUMERS = { TRIGGERS: 'coordinators', REPORTS: 'coordinators', LOGS: 'loggers' } as const

/** The KV bucket of live instances, written only by the registry; keys are `<namespace>.<instance>`. */
export const PRESENCE_BUCKET = 'carillon_presence'
/** The stream under that bucket. */
export const PRESENCE_STREAM = `KV_${PRESENCE_BUCKET}`
/** Key of an instance's cordon in that bucket, beside the key of its presence: it stays when the instance leaves. Names hold no dots. */
export const cordonKey = (presenceKey: string) => `cordon.${presenceKey}`
/** The key of presence of the instance whose cordon has this key; undefined for any other key. */
export const cordonedKey = (key: string): string | undefined => /^cordon\.([^.]+\.[^.]+)$/.exec(key)?.[1]
