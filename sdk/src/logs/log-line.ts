import { LIMITS, type LogLevel } from '@carillon/contracts'
import { createIsoWriter } from '../clock.ts'

const writtenAt = createIsoWriter()

/** A line as a handler writes it. */
export interface LogEntry {
  readonly level: LogLevel
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>> | undefined
}

/** The line as JSON text. Message and fields together have at most 8 KiB: a longer message is cut, fields that do not fit are replaced by their size. */
export function logLineText(entry: LogEntry, seq: number, atMs: number): string {
  const message = cut(String(entry.message))
  const head = `{"seq":${seq},"at":"${writtenAt(atMs)}","level":"${entry.level}","message":${JSON.stringify(message)}`
  const fields = fieldsText(entry.fields, LIMITS.logLineBytes - Buffer.byteLength(message))
  return fields === undefined ? `${head}}` : `${head},"fields":${fields}}`
}

function fieldsText(fields: LogEntry['fields'], maxBytes: number): string | undefined {
  if (fields === undefined || fields === null) return undefined
  let text: string | undefined
  try {
    text = JSON.stringify(typeof fields === 'object' && !Array.isArray(fields) ? fields : { value: fields }, readable)
  } catch (error) {
    // A log line must not fail its task: what cannot be written is said in the line.
    return JSON.stringify({ unwritable: cut(error instanceof Error ? error.message : 'fields cannot be written as JSON').slice(0, 200) })
  }
  if (text === undefined) return undefined
  const bytes = Buffer.byteLength(text)
  return bytes <= maxBytes ? text : JSON.stringify({ omittedBytes: bytes })
}

/** What JSON has no form for, but people log. */
function readable(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack }
  return typeof value === 'bigint' ? value.toString() : value
}

function cut(text: string): string {
  if (text.length * 3 <= LIMITS.logLineBytes) return text
  const bytes = Buffer.from(text)
  if (bytes.byteLength <= LIMITS.logLineBytes) return text
  return bytes.subarray(0, LIMITS.logLineBytes).toString().replace(/�+$/, '')
}
