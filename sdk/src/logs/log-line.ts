import { LIMITS, type LogLevel } from '@carillon/contracts'
import { loggableText, messageText } from './loggable.ts'

let lastMs = -1
let lastText = ''

/** RFC 3339 in UTC; the text of the last one is kept, because many lines share a millisecond. */
function writtenAt(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms
    lastText = new Date(ms).toISOString()
  }
  return lastText
}

/** A line as a handler writes it. */
export interface LogEntry {
  readonly level: LogLevel
  readonly message: unknown
  readonly fields: unknown
}

/**
 * The line as JSON text, whatever was logged: a log call never fails its task. Message and fields together have at most 8 KiB: a longer message is
 * cut, fields that do not fit are replaced by their size.
 */
export function logLineText(entry: LogEntry, seq: number, atMs: number): string {
  const message = cut(messageText(entry.message))
  const head = `{"seq":${seq},"at":"${writtenAt(atMs)}","level":"${entry.level}","message":${JSON.stringify(message)}`
  const fields = fieldsText(entry.fields, LIMITS.logLineBytes - Buffer.byteLength(message))
  return fields === undefined ? `${head}}` : `${head},"fields":${fields}}`
}

function fieldsText(fields: unknown, maxBytes: number): string | undefined {
  if (fields === undefined || fields === null) return undefined
  const text = loggableText(fields)
  const object = text.startsWith('{') ? text : `{"value":${text}}`
  const bytes = Buffer.byteLength(object)
  return bytes <= maxBytes ? object : JSON.stringify({ omittedBytes: bytes })
}

function cut(text: string): string {
  if (text.length * 3 <= LIMITS.logLineBytes) return text
  const bytes = Buffer.from(text)
  if (bytes.byteLength <= LIMITS.logLineBytes) return text
  return bytes.subarray(0, LIMITS.logLineBytes).toString().replace(/�+$/, '')
}
