import { HEADERS } from '@carillon/contracts'
import type { NatsConnection } from '@nats-io/transport-node'
import { type HeaderValues, headersOf } from './headers.ts'

/** A message as text. */
export interface TextMessage extends Pick<HeaderValues, 'messageId' | 'traceparent' | 'run'> {
  readonly subject: string
  readonly body: string
  readonly reply?: string | undefined
}

/** The part of the client library that takes frames of the protocol; it keeps the order with what is published otherwise. */
interface FrameWriter {
  readonly protocol?: { sendCommand?: (frames: Uint8Array) => void }
}

/** Larger messages go through the client library, which compares them with the limit of the server. */
const MOST_BYTES = 32 * 1024
/** Of one buffer; what is larger is written in several. */
const BUFFER_LETTERS = 256 * 1024
/** What a header may have: anything else goes through the client library, which refuses it. */
const PRINTABLE = /^[\x20-\x7e]*$/

/**
 * Publishes messages as frames of the NATS protocol in one buffer. The client library makes four buffers of each message, and a map of its headers: 3 µs of
 * processor for a message with a header, against 0.2 µs here (`docs/PERFORMANCE.md`). What is unusual, because of its size or its headers, or because the
 * connection is being closed, is published by the library, one by one.
 * @returns those that the client library has refused
 */
export function publishTexts(connection: NatsConnection, messages: readonly TextMessage[]): ReadonlyMap<TextMessage, Error> {
  const { protocol } = connection as unknown as FrameWriter
  const isPlain = protocol?.sendCommand !== undefined && !connection.isClosed() && !connection.isDraining()
  const refused = new Map<TextMessage, Error>()
  let frames = ''
  const flush = () => {
    if (frames !== '') protocol?.sendCommand?.(Buffer.from(frames))
    frames = ''
  }
  for (const message of messages) {
    const frame = isPlain ? frameOf(message, connection.info?.headers ?? false) : undefined
    if (frame !== undefined) frames += frame
    if (frame === undefined || frames.length > BUFFER_LETTERS) flush()
    if (frame !== undefined) continue
    try {
      publishByLibrary(connection, message)
    } catch (error) {
      refused.set(message, error as Error)
    }
  }
  flush()
  return refused
}

/** The same for one. @throws Error of the client library */
export function publishText(connection: NatsConnection, message: TextMessage): void {
  for (const error of publishTexts(connection, [message]).values()) throw error
}

function publishByLibrary(connection: NatsConnection, message: TextMessage): void {
  const { subject, body, reply } = message
  connection.publish(subject, Buffer.from(body), { ...(reply === undefined ? {} : { reply }), ...headersOf(message) })
}

function frameOf(message: TextMessage, hasHeaders: boolean): string | undefined {
  const { subject, body, reply } = message
  if (body.length > MOST_BYTES || /\s/.test(subject) || subject === '') return undefined
  const bytes = Buffer.byteLength(body)
  const to = reply === undefined ? subject : `${subject} ${reply}`
  const head = headText(message)
  if (head === undefined || bytes > MOST_BYTES) return undefined
  if (head === '') return `PUB ${to} ${bytes}\r\n${body}\r\n`
  return hasHeaders ? `HPUB ${to} ${head.length} ${head.length + bytes}\r\n${head}${body}\r\n` : undefined
}

/** The headers of a message; empty without any, undefined where one cannot be written as it is. */
function headText({ messageId, traceparent, run }: TextMessage): string | undefined {
  let text = ''
  if (messageId !== undefined) text += `${HEADERS.messageId}: ${messageId}\r\n`
  if (traceparent != null) text += `${HEADERS.traceparent}: ${traceparent}\r\n`
  if (run !== undefined) text += `${HEADERS.run}: ${run}\r\n`
  if (text === '') return ''
  const isPrintable = PRINTABLE.test(messageId ?? '') && PRINTABLE.test(traceparent ?? '') && PRINTABLE.test(run ?? '')
  return isPrintable ? `NATS/1.0\r\n${text}\r\n` : undefined
}
