import { beatSchema, isName, parseBody, parseSubject, readLogMessage, UnacceptableJson } from '@carillon/contracts'
import type { FrameEvent } from './frame.ts'
import type { Topic } from './topics.ts'

/** A message of the broker as readers of a topic get it. */
export interface TopicMessage {
  readonly event: FrameEvent
  readonly data: object
  /** For readers without the right to see payloads; absent where nothing is hidden from them. */
  readonly redacted?: object
}

/** Lists show rows: what may be large, and what needs a right of its own, is read by a call. */
const NOT_IN_LISTS = ['payload', 'items', 'workflow', 'data', 'result', 'failure', 'arguments', 'body'] as const
/** What a handler was given, has answered or has thrown. */
const PAYLOADS = ['payload', 'result', 'failure', 'arguments', 'body'] as const

/**
 * What readers get of a message; undefined for one that is none of ours.
 * @throws CarillonError for a body that cannot be read
 */
export function topicMessage(topic: Topic, subject: string, bytes: Uint8Array): TopicMessage | undefined {
  const [first, ...rest] = tokensOf(subject)
  if (first === 'log') return { event: 'log', data: { topic: topic.name, body: logBody(bytes) } }
  if (first === 'beat') return beat(topic, rest[0], bytes)
  const [noun, name, what] = rest
  if (!isName(noun) || !isName(name) || !isName(what)) return undefined
  const body = parseBody(bytes)
  if (typeof body !== 'object' || body === null || Array.isArray(body) || body instanceof UnacceptableJson) return undefined
  const head = { topic: topic.name, noun, name, what }
  if (topic.kind !== 'run') return { event: 'change', data: { ...head, body: without(body, NOT_IN_LISTS) } }
  const data = { ...head, body: readable(body) }
  const isPlain = !PAYLOADS.some((field) => field in body)
  if (isPlain) return { event: 'change', data }
  return { event: 'change', data, redacted: { ...head, body: { ...without(body, PAYLOADS), hidden: true } } }
}

function tokensOf(subject: string): string[] {
  const parsed = parseSubject(subject)
  return parsed ? [parsed.class, ...parsed.rest] : []
}

function logBody(bytes: Uint8Array): object {
  const { refused: _refused, why: _why, ...message } = readLogMessage(parseBody(bytes))
  return message
}

/** What an executor says about its load, every few seconds. */
function beat(topic: Topic, name: string | undefined, bytes: Uint8Array): TopicMessage | undefined {
  const parsed = beatSchema.safeParse(parseBody(bytes))
  if (!isName(name) || !parsed.success) return undefined
  // A session is what a process is known by to the services.
  const { session: _session, ...body } = parsed.data
  return { event: 'change', data: { topic: topic.name, noun: 'instance', name, what: 'beat', body } }
}

function without(body: object, fields: readonly string[]): object {
  return readable(Object.fromEntries(Object.entries(body).filter(([field]) => !fields.includes(field))))
}

/** A value that cannot be kept exactly is shown as the reason why. */
function readable(body: object): object {
  return Object.fromEntries(
    Object.entries(body).map(([field, value]) => [field, value instanceof UnacceptableJson ? value.refusal(field).message : value]),
  )
}
