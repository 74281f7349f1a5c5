import { checkName, type EventNoun, isName, type LogView, parseBody, parseSubject, readLogMessage, SUBJECT_ROOT } from '@carillon/contracts'
import type { Msg } from '@nats-io/transport-node'

/** Something that happened in the mesh: from `event.>` (stored by the broker) or `live.>` (passing). */
export interface MeshEvent {
  readonly noun: EventNoun
  /** Of the run (its id), the job, the calendar, the instance or the stream. */
  readonly name: string
  /** What happened to it, such as `succeeded`. */
  readonly what: string
  /** The message, as PROTOCOL describes it for each event. */
  readonly body: unknown
}

/** Which events; what is left out means all. */
export interface EventFilter {
  readonly noun?: EventNoun | undefined
  readonly name?: string | undefined
  readonly what?: string | undefined
}

/** @internal @throws CarillonError INVALID_NAME for a part that is not a name */
export function eventSubject(namespace: string, kind: 'event' | 'live', filter: EventFilter): string {
  const token = (field: 'noun' | 'name' | 'what') => (filter[field] === undefined ? '*' : checkName(field, filter[field]))
  return `${SUBJECT_ROOT}.${namespace}.${kind}.${token('noun')}.${token('name')}.${token('what')}`
}

/** @internal */
export function readEvent(message: Msg): MeshEvent[] {
  const [noun, name, what] = parseSubject(message.subject)?.rest ?? []
  if (noun === undefined || !isName(name) || what === undefined) return []
  return [{ noun: noun as EventNoun, name, what, body: message.json() }]
}

/** @internal */
export function readLogLines(message: Msg): LogView[] {
  const { lines, runId, taskId, attempt, instance } = readLogMessage(parseBody(message.data))
  return lines.map((line) => ({ ...line, runId, taskId, attempt, instance }))
}
