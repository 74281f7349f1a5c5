import { isName, parseBody, parseSubject, UnacceptableJson } from '@carillon/contracts'
import { hidePayloads } from '../../access/rules/redact.ts'

/** An event or live signal of the mesh. */
export interface MeshMessage {
  readonly noun: string
  readonly name: string
  readonly what: string
  readonly body: Readonly<Record<string, unknown>>
  /** The body without what a handler was given, has answered or has thrown; absent where it has none of it. */
  readonly redacted?: Readonly<Record<string, unknown>>
}

/** @returns undefined for a message that is none of ours @throws CarillonError for a body that cannot be read */
export function meshMessage(subject: string, bytes: Uint8Array): MeshMessage | undefined {
  const [noun, name, what] = parseSubject(subject)?.rest ?? []
  if (!isName(noun) || !isName(name) || !isName(what)) return undefined
  const body = parseBody(bytes)
  if (typeof body !== 'object' || body === null || Array.isArray(body) || body instanceof UnacceptableJson) return undefined
  const message = { noun, name, what, body: readable(Object.entries(body)) }
  return withRedacted(message)
}

/** The message, and its body for a reader without the right to see payloads, where that differs. */
export function withRedacted(message: Omit<MeshMessage, 'redacted'>): MeshMessage {
  const redacted = hidePayloads(message.body)
  return redacted === message.body ? message : { ...message, redacted }
}

/** A value that cannot be kept exactly is shown as the reason why. */
function readable(fields: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(
    fields.map(([field, value]) => [field, value instanceof UnacceptableJson ? value.refusal(field).message : value]),
  )
}
