import { beatSchema, isName, parseBody, parseSubject, readLogMessage } from '@carillon/contracts'
import type { FrameEvent } from './frame.ts'
import { meshMessage } from './mesh-message.ts'
import type { Topic } from './topics.ts'

/** A message of the broker as readers of a topic get it. */
export interface TopicMessage {
  readonly event: FrameEvent
  readonly data: object
  /** For readers without the right to see payloads; absent where nothing is hidden from them. */
  readonly redacted?: object
}

/** Lists show rows: what may be large, and what needs a right of its own, is read by a call. */
const NOT_IN_ROWS: ReadonlySet<string> = new Set(['workflow', 'hidden'])

/**
 * What readers get of a message; undefined for one that is none of ours.
 * @throws CarillonError for a body that cannot be read
 */
export function topicMessage(topic: Topic, subject: string, bytes: Uint8Array): TopicMessage | undefined {
  const { class: kind, rest } = parseSubject(subject) ?? {}
  if (kind === 'log') return { event: 'log', data: { topic: topic.name, body: logBody(bytes) } }
  if (kind === 'beat') return beat(topic, rest?.[0], bytes)
  const message = meshMessage(subject, bytes)
  if (message === undefined) return undefined
  const { body, redacted, ...named } = message
  const head = { topic: topic.name, ...named }
  if (topic.kind !== 'run') {
    const row = Object.fromEntries(Object.entries(redacted ?? body).filter(([field]) => !NOT_IN_ROWS.has(field)))
    return { event: 'change', data: { ...head, body: row } }
  }
  return { event: 'change', data: { ...head, body }, ...(redacted ? { redacted: { ...head, body: redacted } } : {}) }
}

/** The message as it travels, without lines that cannot be read. @throws CarillonError for what is no message of log lines */
export function logBody(bytes: Uint8Array) {
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
