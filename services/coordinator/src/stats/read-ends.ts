import { CarillonError, parseSubject, runEndedSchema, STREAMS, SUBJECT_ROOT } from '@carillon/contracts'
import type { Broker } from '@carillon/runtime'
import { AckPolicy, DeliverPolicy, type JsMsg, jetstream } from '@nats-io/jetstream'
import * as z from 'zod'
import type { ChangeFacts, EndedFacts } from './rules/rollup.ts'

const EVENTS = STREAMS.EVENTS.name
const ENDS = `${SUBJECT_ROOT}.*.event.run.*.*`
const CHANGES = ['put', 'paused', 'resumed', 'removed'] as const
/** Ends that are read at once: of the largest, 30 MB. */
const AT_ONCE = 2_000
const WITHIN_MS = 5_000
const NANOS = 1_000_000

/** What a stream holds. */
export interface StreamState {
  /** When it was made. */
  readonly stream: number
  readonly first: number
  readonly last: number
}

export interface EndsPage {
  readonly ends: readonly EndedFacts[]
  /** Changes of jobs, for the same documents. */
  readonly changes: readonly ChangeFacts[]
  /** Up to here everything was read. */
  readonly upTo: number
  /** When the last of them was stored, by the clock of the broker; undefined: there are no more. */
  readonly moreAt: number | undefined
}

/** The ends of runs as stream EVENTS has them, in its order. */
export interface EndedEvents {
  state(): Promise<StreamState>
  /** When the message with a sequence was stored, as the broker writes it; undefined: there is none. */
  storedAt(sequence: number): Promise<string | undefined>
  /** Those behind a sequence. @throws Error when the broker does not give all that it says it has */
  page(query: { after: number; last: number }): Promise<EndsPage>
}

/** Reads stream EVENTS with a consumer that exists for one page: nothing is left behind, and nothing is acknowledged. */
export function endedEvents({ manager, connection }: Pick<Broker, 'manager' | 'connection'>): EndedEvents {
  return {
    async state() {
      const { created, state } = await manager.streams.info(EVENTS)
      return { stream: Date.parse(created), first: state.first_seq, last: state.last_seq }
    },
    async storedAt(sequence) {
      return sequence === 0 ? undefined : (await manager.streams.getMessage(EVENTS, { seq: sequence }))?.timestamp
    },
    async page({ after, last }) {
      const info = await manager.consumers.add(EVENTS, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: after + 1,
        filter_subjects: [ENDS, ...CHANGES.map((what) => `${SUBJECT_ROOT}.*.event.job.*.${what}`)],
        inactive_threshold: 2 * WITHIN_MS * NANOS,
        mem_storage: true,
        num_replicas: 1,
      })
      try {
        const wanted = Math.min(info.num_pending, AT_ONCE)
        if (wanted === 0) return { ends: [], changes: [], upTo: last, moreAt: undefined }
        const consumer = await jetstream(connection).consumers.get(EVENTS, info.name)
        const read: JsMsg[] = []
        for await (const message of await consumer.fetch({ max_messages: wanted, expires: WITHIN_MS })) {
          read.push(message)
          if (read.length === wanted) break
        }
        const end = read.at(-1)
        if (read.length < wanted || end === undefined || end.info.deliverySequence !== wanted)
          throw new CarillonError('NATS_UNAVAILABLE', `the broker has sent ${read.length} of ${wanted} ends of runs`)
        const isAll = end.info.pending === 0
        return {
          ends: read.flatMap((message) => factsOf(message) ?? []),
          changes: read.flatMap((message) => changeOf(message) ?? []),
          upTo: isAll ? Math.max(last, end.seq) : end.seq,
          moreAt: isAll ? undefined : end.info.timestampNanos / NANOS,
        }
      } finally {
        await manager.consumers.delete(EVENTS, info.name).catch(() => undefined)
      }
    },
  }
}

/** Anyone with access to the broker may publish: what is no end of a run is not counted. */
function factsOf(message: JsMsg): EndedFacts | undefined {
  const { namespace, rest } = parseSubject(message.subject) ?? {}
  if (rest?.[0] !== 'run') return undefined
  const parsed = runEndedSchema.safeParse(bodyOf(message))
  if (namespace === undefined || !parsed.success) return undefined
  const { runId, job = null, handler, state, reason, attempt, at, waitedMs, ranMs, lateMs, retries = 0, failure } = parsed.data
  const times = { at: Date.parse(at), waitedMs, ranMs, lateMs }
  return { sequence: message.seq, namespace, runId, job, handler, state, reason, attempt, ...times, retries, failure }
}

/** Of a job that was removed the event says its name alone. */
const changedSchema = z.object({
  revision: z.int().exactOptional(),
  by: z.string().exactOptional(),
  updatedAt: z.iso.datetime().exactOptional(),
})

function changeOf(message: JsMsg): ChangeFacts | undefined {
  const { namespace, rest } = parseSubject(message.subject) ?? {}
  const [noun, job, what] = rest ?? []
  const kind = CHANGES.find((one) => one === what)
  const parsed = changedSchema.safeParse(bodyOf(message))
  if (namespace === undefined || noun !== 'job' || job === undefined || kind === undefined || !parsed.success) return undefined
  const { revision, by, updatedAt } = parsed.data
  const at = updatedAt === undefined ? Math.floor(message.info.timestampNanos / NANOS) : Date.parse(updatedAt)
  return { namespace, job, change: { at, kind, job, ...(revision === undefined ? {} : { revision }), ...(by === undefined ? {} : { by }) } }
}

function bodyOf(message: JsMsg): unknown {
  try {
    return message.json()
  } catch {
    return undefined
  }
}
