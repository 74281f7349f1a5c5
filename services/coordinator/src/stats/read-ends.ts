import { CarillonError, parseSubject, runEndedSchema, STREAMS, subjects } from '@carillon/contracts'
import type { Broker } from '@carillon/runtime'
import type { StoredMsg } from '@nats-io/jetstream'
import * as z from 'zod'
import type { CountedStretch, PublishedEnds } from './published-ends.ts'
import type { MinuteCounts } from './rules/group-ends.ts'
import type { ChangeFacts, EndedFacts } from './rules/rollup.ts'

const EVENTS = STREAMS.EVENTS.name
const CHANGES = ['put', 'paused', 'resumed', 'removed'] as const
/** Events that are read at once, and their bytes. */
const AT_ONCE = 2_000
const BYTES_AT_ONCE = 4 * 1024 * 1024

/** What a stream holds. */
export interface StreamState {
  /** When it was made. */
  readonly stream: number
  readonly first: number
  readonly last: number
}

export interface EndsPage {
  readonly ends: readonly EndedFacts[]
  /** Those that were counted as they were published; then `ends` is empty. */
  readonly counts?: MinuteCounts
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
  /** The same, each end of it. @throws Error as `page` */
  wholePage(query: { after: number; last: number }): Promise<EndsPage>
  /** Whether the stream has the same end with a smaller sequence. */
  isSecond(end: EndedFacts): Promise<boolean>
}

/**
 * Reads stream EVENTS by sequences, without a consumer: to make one, the broker would count all subjects of the stream. What this coordinator has published
 * itself is not read: only whether the last event of such a stretch is there, and so those before it.
 */
export function endedEvents({ manager }: Pick<Broker, 'manager'>, published: PublishedEnds): EndedEvents {
  const stored = (sequence: number) => manager.streams.getMessage(EVENTS, { seq: sequence })
  const moreAfter = (message: StoredMsg, last: number) => (message.seq >= last ? undefined : Date.parse(message.timestamp))

  async function publishedPage({ counts, last: end }: CountedStretch, last: number): Promise<EndsPage | undefined> {
    const message = await stored(end.sequence)
    if (message?.subject === subjectOf(end)) return { ends: [], counts, changes: [], upTo: end.sequence, moreAt: moreAfter(message, last) }
    published.clear()
    return undefined
  }

  async function readPage({ after, before, last }: { after: number; before: number; last: number }): Promise<EndsPage> {
    const messages: StoredMsg[] = []
    const query = { seq: after + 1, batch: Math.min(AT_ONCE, before - after - 1), max_bytes: BYTES_AT_ONCE }
    for await (const message of await manager.direct.getBatch(EVENTS, query)) messages.push(message)
    const read = messages.filter(({ seq }) => seq < before)
    const end = read.at(-1)
    if (end === undefined) {
      // A replica may be behind its leader, which knows whether they were deleted.
      if (before > last && (await stored(last)) !== null)
        throw new CarillonError('NATS_UNAVAILABLE', `the broker has sent no event of ${after + 1} to ${last}`)
      return { ends: [], changes: [], upTo: Math.min(before - 1, last), moreAt: undefined }
    }
    const facts = { ends: read.flatMap((message) => factsOf(message) ?? []), changes: read.flatMap((message) => changeOf(message) ?? []) }
    return { ...facts, upTo: end.seq, moreAt: moreAfter(end, last) }
  }

  return {
    async state() {
      const { created, state } = await manager.streams.info(EVENTS)
      return { stream: Date.parse(created), first: state.first_seq, last: state.last_seq }
    },
    async storedAt(sequence) {
      return sequence === 0 ? undefined : (await stored(sequence))?.timestamp
    },
    async page({ after, last }) {
      if (after >= last) return { ends: [], changes: [], upTo: last, moreAt: undefined }
      const { stretch, next } = published.from(after + 1)
      const known = stretch && (await publishedPage(stretch, last))
      return known ?? readPage({ after, before: Math.min(stretch ? Number.POSITIVE_INFINITY : next, last + 1), last })
    },
    wholePage: ({ after, last }) => readPage({ after, before: last + 1, last }),
    async isSecond(end) {
      for (let sequence = 1; ; sequence++) {
        // By the leader: a replica may not have the first one yet.
        const query = { seq: sequence, next_by_subj: subjectOf(end) }
        const message = await manager.streams.getMessage(EVENTS, query)
        if (message === null || message.seq >= end.sequence) return false
        if (factsOf(message)?.attempt === end.attempt) return true
        sequence = message.seq
      }
    },
  }
}

const subjectOf = ({ namespace, runId, state }: EndedFacts) => subjects.event(namespace, 'run', runId, state)

/** Anyone with access to the broker may publish: what is no end of a run is not counted. */
function factsOf(message: StoredMsg): EndedFacts | undefined {
  const { namespace, rest } = parseSubject(message.subject) ?? {}
  if (rest?.[0] !== 'run') return undefined
  const parsed = runEndedSchema.safeParse(bodyOf(message))
  if (namespace === undefined || !parsed.success) return undefined
  const { runId, job = null, handler, state, reason, attempt, at, waitedMs, ranMs, lateMs, retries = 0, failure, repeated } = parsed.data
  const times = { at: Date.parse(at), waitedMs, ranMs, lateMs, retries }
  const isRepeated = repeated === undefined ? {} : { isRepeated: repeated }
  return { sequence: message.seq, namespace, runId, job, handler, state, reason, attempt, ...times, failure, ...isRepeated }
}

/** Of a job that was removed the event says its name alone. */
const changedSchema = z.object({
  revision: z.int().exactOptional(),
  by: z.string().exactOptional(),
  updatedAt: z.iso.datetime().exactOptional(),
})

function changeOf(message: StoredMsg): ChangeFacts | undefined {
  const { namespace, rest } = parseSubject(message.subject) ?? {}
  const [noun, job, what] = rest ?? []
  const kind = CHANGES.find((one) => one === what)
  const parsed = changedSchema.safeParse(bodyOf(message))
  if (namespace === undefined || noun !== 'job' || job === undefined || kind === undefined || !parsed.success) return undefined
  const { revision, by, updatedAt } = parsed.data
  const at = updatedAt === undefined ? Date.parse(message.timestamp) : Date.parse(updatedAt)
  return { namespace, job, change: { at, kind, job, ...(revision === undefined ? {} : { revision }), ...(by === undefined ? {} : { by }) } }
}

function bodyOf(message: StoredMsg): unknown {
  try {
    return message.json()
  } catch {
    return undefined
  }
}
