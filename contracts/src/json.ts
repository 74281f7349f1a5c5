import { CarillonError, printable } from './errors.ts'
import { LIMITS } from './limits.ts'

/** Anything JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/**
 * Parse JSON from outside: refuses what is not JSON, what is nested too deep, and integers that a double cannot hold.
 * @throws CarillonError INVALID_JSON, JSON_TOO_DEEP, INTEGER_TOO_LARGE
 */
export function parseJson(text: string, field = 'body'): Json {
  if (text.length > 2 * LIMITS.jsonDepth || LARGE_NUMBER.test(text)) inspect(text, field)
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw new CarillonError('INVALID_JSON', `${field} is not JSON: ${(error as Error).message}`, {
      field,
      value: printable(text, 60),
      cause: error,
    })
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true })

/** The text of a body. @throws CarillonError INVALID_JSON when it is not UTF-8: what was meant cannot be known */
export function bodyText(bytes: Uint8Array, field = 'body'): string {
  try {
    return UTF_8.decode(bytes)
  } catch (error) {
    throw new CarillonError('INVALID_JSON', `${field} is not UTF-8 text`, { field, value: `${bytes.length} bytes`, cause: error })
  }
}

/**
 * A value as JSON text, checked like `parseJson` and against a size.
 * @throws CarillonError `tooLarge` when over `maxBytes`, `notJson` when it cannot be written (cycles, BigInt), JSON_TOO_DEEP, INTEGER_TOO_LARGE
 */
export function writeJson(
  value: unknown,
  limit: {
    field: string
    maxBytes: number
    tooLarge: 'PAYLOAD_TOO_LARGE' | 'RESULT_TOO_LARGE' | 'ITEM_TOO_LARGE'
    notJson: 'INVALID_JSON' | 'RESULT_NOT_JSON'
  },
): string {
  let text: string
  try {
    const unwritable = typeof value === 'function' || typeof value === 'symbol' ? typeof value : undefined
    if (unwritable) throw new TypeError(`it is a ${unwritable}`)
    text = JSON.stringify(value) ?? 'null'
    if (text.includes('null')) JSON.stringify(value, refuseInfinite)
  } catch (error) {
    if (error instanceof RangeError && error.message.includes('stack')) throw tooDeep(limit.field)
    throw new CarillonError(limit.notJson, `${limit.field} cannot be written as JSON: ${(error as Error).message}`, {
      field: limit.field,
      cause: error,
    })
  }
  if (text.length * 3 > limit.maxBytes) {
    const bytes = new TextEncoder().encode(text).byteLength
    if (bytes > limit.maxBytes) {
      throw new CarillonError(limit.tooLarge, `${limit.field} has ${bytes} bytes as JSON, the limit is ${limit.maxBytes}`, {
        field: limit.field,
        value: `${bytes} bytes`,
      })
    }
  }
  if (text.length > 2 * LIMITS.jsonDepth || LARGE_NUMBER.test(text)) inspect(text, limit.field)
  return text
}

/** `JSON.stringify` would write null without a word. */
function refuseInfinite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${key === '' ? 'it' : `"${key}"`} is ${value}`)
  return value
}

/** Text that may hold an integer beyond 2^53, or a number beyond every double: JSON.parse would round it, or make it Infinity. */
const LARGE_NUMBER = /\d{16}|[eE]\+?\d{3}/
const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 91, 93, 123, 125]
const NUMBER_AT = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** One pass over the text, before `JSON.parse` could recurse or round. */
function inspect(text: string, field: string): void {
  const hasLargeNumber = LARGE_NUMBER.test(text)
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfString(text, i)
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > LIMITS.jsonDepth) throw tooDeep(field, text)
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--
    else if (hasLargeNumber && code >= 48 && code <= 57) i = checkNumber(text, i, field)
  }
}

function tooDeep(field: string, text?: string): CarillonError {
  return new CarillonError('JSON_TOO_DEEP', `${field} is nested deeper than ${LIMITS.jsonDepth} levels`, {
    field,
    value: text === undefined ? undefined : printable(text, 40),
  })
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === BACKSLASH) i++
    else if (code === QUOTE) return i
  }
  return text.length
}

function checkNumber(text: string, start: number, field: string): number {
  NUMBER_AT.lastIndex = start
  const literal = NUMBER_AT.exec(text)?.[0] ?? text.charAt(start)
  const exact = /^\d+$/.test(literal) ? Number.isSafeInteger(Number(literal)) : Number.isFinite(Number(literal))
  if (!exact) {
    throw new CarillonError('INTEGER_TOO_LARGE', `${field} holds ${printable(literal, 40)}, which cannot be kept exactly`, {
      field,
      value: literal.slice(0, 40),
    })
  }
  return start + literal.length - 1
}
