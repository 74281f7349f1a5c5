import type { ErrorCode } from './error-codes.ts'
import { CarillonError, printable } from './errors.ts'
import { LIMITS } from './limits.ts'

/**
 * Replaces a part of a body that is not acceptable, so that the other parts stay usable: using it, by `writeJson` or a schema, throws its error.
 * Written as JSON it is an excerpt of what was there.
 */
export class UnacceptableJson {
  readonly code: ErrorCode
  /** What is wrong, to follow the name of a field. */
  readonly what: string
  /** What was there. */
  readonly text: string

  constructor(code: ErrorCode, what: string, text: string) {
    this.code = code
    this.what = what
    this.text = text
  }

  refusal(field: string): CarillonError {
    return new CarillonError(this.code, `${field} ${this.what}`, { field, value: printable(this.text) })
  }

  toJSON(): string {
    return this.text.slice(0, EXCERPT_LENGTH)
  }
}

const EXCERPT_LENGTH = 4_096
/** The deepest that a value of the user's lies in any message of the wire: the fields of a line of a log message. */
const ENVELOPE_LEVELS = 4

/**
 * Parse the body of a message, which may carry values of several: a part that is not JSON, is nested deeper than a value may be, holds an integer that
 * a double cannot, or bytes that are not UTF-8, is replaced by an `UnacceptableJson`; other parts are not affected. So is the whole where it cannot be
 * taken apart. An empty body is `ifEmpty`.
 */
export function parseBody(bytes: Uint8Array, ifEmpty: unknown = null): unknown {
  if (bytes.length === 0) return ifEmpty
  const text = strictText(bytes)
  // Far below any limit of the stack: JSON.parse does not recurse.
  if (text !== undefined && !nestsTooDeep(text) && largeNumberIn(text) === undefined) {
    try {
      return JSON.parse(text)
    } catch {
      // Then its parts are checked one by one.
    }
  }
  return readPart(text ?? LENIENT.decode(bytes), { levels: ENVELOPE_LEVELS, isReplaced: text === undefined })
}

const STRICT = new TextDecoder('utf-8', { fatal: true })
const LENIENT = new TextDecoder('utf-8')
const REPLACEMENT = '\ufffd'

function strictText(bytes: Uint8Array): string | undefined {
  try {
    return STRICT.decode(bytes)
  } catch {
    return undefined
  }
}

interface Reading {
  /** Depth to which lists and objects are split; what lies deeper is accepted or refused as a whole. */
  readonly levels: number
  /** Bytes that are not UTF-8 were replaced by U+FFFD somewhere. */
  readonly isReplaced: boolean
}

function readPart(text: string, reading: Reading): unknown {
  const trimmed = text.trim()
  const isList = trimmed.startsWith('[')
  if (reading.levels === 0 || (!isList && !trimmed.startsWith('{'))) return readValue(text, reading)
  const parts = partsOf(trimmed)
  if (parts === undefined) return readValue(text, reading)
  const deeper = { ...reading, levels: reading.levels - 1 }
  if (isList) return parts.map((part) => readPart(part, deeper))
  const members: [string, unknown][] = []
  for (const part of parts) {
    const key = keyOf(part)
    if (key === undefined) return notJson(text, `is not JSON: ${printable(part.trim(), 40)} is no member of an object`)
    members.push([key.name, readPart(part.slice(key.end), deeper)])
  }
  return Object.fromEntries(members)
}

function readValue(text: string, { isReplaced }: Reading): unknown {
  if (isReplaced && text.includes(REPLACEMENT)) return notJson(text, 'is not UTF-8 text')
  if (nestsTooDeep(text)) return new UnacceptableJson('JSON_TOO_DEEP', `is nested deeper than ${LIMITS.jsonDepth} levels`, text)
  const large = largeNumberIn(text)
  if (large !== undefined)
    return new UnacceptableJson('INTEGER_TOO_LARGE', `holds ${printable(large, 40)}, which cannot be kept exactly`, text)
  try {
    return JSON.parse(text)
  } catch (error) {
    return notJson(text, `is not JSON: ${(error as SyntaxError).message}`)
  }
}

const notJson = (text: string, what: string) => new UnacceptableJson('INVALID_JSON', what, text)

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 44, 91, 93, 123, 125]

/**
 * The texts between the commas of a list or an object, or undefined where it does not end where the text does. A bracket that was forgotten or is too
 * many within an object ends with that object, so that it costs no neighbour.
 */
function partsOf(text: string): string[] | undefined {
  const parts: string[] = []
  const open: number[] = []
  let from = 1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfString(text, i)
    else if (code === OPEN_LIST || code === OPEN_OBJECT) open.push(code)
    else if (code === COMMA && open.length === 1) {
      parts.push(text.slice(from, i))
      from = i + 1
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      if (code === CLOSE_OBJECT) while (open.length > 1 && open.at(-1) === OPEN_LIST) open.pop()
      if (open.at(-1) !== code - 2) continue
      open.pop()
      if (open.length > 0) continue
      const last = text.slice(from, i)
      if (parts.length > 0 || last.trim() !== '') parts.push(last)
      return i === text.length - 1 ? parts : undefined
    }
  }
  return undefined
}

/** The name of a member, and where its value begins. */
function keyOf(part: string): { name: string; end: number } | undefined {
  const start = part.indexOf('"')
  if (start < 0 || part.slice(0, start).trim() !== '') return undefined
  const end = endOfString(part, start) + 1
  const colon = part.indexOf(':', end)
  if (colon < 0 || part.slice(end, colon).trim() !== '') return undefined
  try {
    return { name: JSON.parse(part.slice(start, end)) as string, end: colon + 1 }
  } catch {
    return undefined
  }
}

/** Text that may hold an integer beyond 2^53, or a number beyond every double: JSON.parse would round it, or make it Infinity. */
const LARGE_NUMBER = /\d{16}|[eE]\+?\d{3}/
const NUMBER_AT = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Whether arrays and objects are nested deeper than those of a value may be. */
export function nestsTooDeep(text: string): boolean {
  if (text.length <= 2 * LIMITS.jsonDepth) return false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfString(text, i)
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > LIMITS.jsonDepth) return true
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--
  }
  return false
}

/** The first number that a double cannot hold, as it is written. */
export function largeNumberIn(text: string): string | undefined {
  if (!LARGE_NUMBER.test(text)) return undefined
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfString(text, i)
    else if (code >= 48 && code <= 57) {
      NUMBER_AT.lastIndex = i
      const literal = NUMBER_AT.exec(text)?.[0] ?? text.charAt(i)
      const isKept = /^\d+$/.test(literal) ? Number.isSafeInteger(Number(literal)) : Number.isFinite(Number(literal))
      if (!isKept) return literal
      i += literal.length - 1
    }
  }
  return undefined
}

/** A long string is skipped by a search, which takes a hundredth of the time of a loop over its letters. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = end
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--
    if ((end - escapes) % 2 === 0) return end
  }
  return text.length
}
