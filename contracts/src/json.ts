import type { ErrorCode } from './error-codes.ts'
import { CarillonError, messageOf, printable } from './errors.ts'
import { largeNumberIn, nestsTooDeep, UnacceptableJson } from './json-text.ts'
import { LIMITS } from './limits.ts'

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface WriteLimit {
  /** What the value is called in an error; a path within it follows, such as `result.orders.3`. */
  readonly field: string
  readonly maxBytes: number
  readonly tooLarge:
    | 'PAYLOAD_TOO_LARGE'
    | 'RESULT_TOO_LARGE'
    | 'SIGNAL_TOO_LARGE'
    | 'CONTEXT_TOO_LARGE'
    | 'DATA_TOO_LARGE'
    | 'ITEM_TOO_LARGE'
    | 'INVALID_REQUEST'
  readonly notJson: 'INVALID_JSON' | 'RESULT_NOT_JSON' | 'INVALID_REQUEST'
  /** Levels of arrays and objects. Default: the limit of a value; more where values travel within an envelope. */
  readonly maxDepth?: number
}

/**
 * A value as JSON text. Accepted are null, booleans, text, finite numbers without integers beyond 2^53, arrays, plain objects and whatever has a
 * `toJSON` (dates, URLs, buffers, classes of the user's own). As in JSON.stringify a property that is undefined is absent, and an undefined entry of
 * an array is null. Everything that JSON.stringify would turn into `{}`, null or nothing is refused: maps, sets, errors, promises, instances of
 * classes without `toJSON`, functions, symbols, NaN, infinities, invalid dates, bigints, cycles.
 * @throws CarillonError `tooLarge` when over `maxBytes`, `notJson`, JSON_TOO_DEEP, INTEGER_TOO_LARGE; each names the path
 */
export function writeJson(value: unknown, limit: WriteLimit): string {
  const flaw = flawOf(value, limit.maxDepth ?? LIMITS.jsonDepth, { nodesLeft: limit.maxBytes / 2 + 1 })
  if (flaw) throw refusalOf(flaw.code === 'JSON_TOO_DEEP' && isCycle(value, flaw.path) ? CYCLE : flaw, limit)
  let text: string
  try {
    text = JSON.stringify(value) ?? 'null'
  } catch (error) {
    throw refusalOf({ code: 'not-json', what: `cannot be written as JSON: ${messageOf(error)}`, path: [] }, limit)
  }
  // A letter has three bytes at most: short text needs no count.
  if (text.length * 3 > limit.maxBytes) {
    const bytes = new TextEncoder().encode(text).byteLength
    if (bytes > limit.maxBytes) throw refusalOf({ code: 'too-large', what: `has ${bytes} bytes as JSON`, path: [] }, limit)
  }
  return text
}

interface Flaw {
  readonly code: ErrorCode | 'not-json' | 'too-large'
  /** What is wrong, to follow a field. */
  readonly what: string
  readonly hint?: string | undefined
  readonly path: PropertyKey[]
}

interface Walk {
  /** Each node is two bytes at least: what has more of them is too large, however often it refers to the same objects. */
  nodesLeft: number
}

function refusalOf(flaw: Flaw, { field, maxBytes, tooLarge, notJson, maxDepth = LIMITS.jsonDepth }: WriteLimit): CarillonError {
  if (flaw.code === 'JSON_TOO_DEEP')
    return new CarillonError(flaw.code, `${field || 'request'} is nested deeper than ${maxDepth} levels`, { field })
  const where = [field, ...flaw.path].filter((name) => name !== '').join('.') || 'request'
  const { hint } = flaw
  if (flaw.code === 'too-large') {
    return new CarillonError(tooLarge, `${field || 'request'} ${flaw.what}, the limit is ${maxBytes}`, {
      field,
      value: flaw.what.replace(/^has /, ''),
    })
  }
  const code = flaw.code === 'not-json' ? notJson : flaw.code
  return new CarillonError(code, `${where} ${flaw.what}${hint ? `: ${hint}` : ''}`, {
    field: where,
    hint: hint && `For ${where}: ${hint}.`,
  })
}

/** The first thing in a value that JSON cannot carry, or undefined. One pass: this is done for every result and payload. */
function flawOf(value: unknown, depthLeft: number, walk: Walk): Flaw | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return walk.nodesLeft-- < 0 ? tooMany() : undefined
  if (typeof value === 'number') {
    if (Number.isInteger(value) ? Math.abs(value) <= Number.MAX_SAFE_INTEGER : Number.isFinite(value))
      return walk.nodesLeft-- < 0 ? tooMany() : undefined
    return numberFlaw(value)
  }
  if (value === undefined) return undefined
  if (typeof value !== 'object') return primitiveFlaw(value)
  if (walk.nodesLeft-- < 0) return tooMany()
  return value === null ? undefined : objectFlaw(value, depthLeft, walk)
}

function objectFlaw(value: object, depthLeft: number, walk: Walk): Flaw | undefined {
  try {
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON !== 'function') {
      if (!Array.isArray(value) && !isPlain(value)) return classFlaw(value)
    } else if (value instanceof UnacceptableJson) return { code: value.code, what: value.what, path: [] }
    else {
      const written: unknown = toJSON.call(value, '')
      if (written === null && value instanceof Date) return notJson('an invalid Date', 'pass null, or a date that exists')
      if (written === null || typeof written !== 'object') return flawOf(written, depthLeft, walk)
      // JSON.stringify calls no toJSON of what a toJSON returns; one that returns itself means its own members.
      if (written !== value && !Array.isArray(written) && !isPlain(written)) return classFlaw(written)
      return membersFlaw(written, depthLeft, walk)
    }
  } catch (error) {
    return unreadable(error)
  }
  return membersFlaw(value, depthLeft, walk)
}

function membersFlaw(value: object, depthLeft: number, walk: Walk): Flaw | undefined {
  if (depthLeft === 0) return { code: 'JSON_TOO_DEEP', what: 'is nested too deep', path: [] }
  let at: PropertyKey = ''
  let flaw: Flaw | undefined
  try {
    if (Array.isArray(value)) {
      if (value.length > walk.nodesLeft + 1) return tooMany()
      for (let i = 0; i < value.length && flaw === undefined; i++) {
        at = i
        flaw = flawOf(value[i], depthLeft - 1, walk)
      }
    } else {
      for (const key in value) {
        at = key
        flaw = flawOf((value as Record<string, unknown>)[key], depthLeft - 1, walk)
        if (flaw === undefined) continue
        // Properties that were added to the prototype of all objects are not written.
        if (Object.hasOwn(value, key)) break
        flaw = undefined
      }
    }
  } catch (error) {
    flaw = unreadable(error)
  }
  flaw?.path.unshift(at)
  return flaw
}

/** Whether an object comes again on the way along a path. */
function isCycle(value: unknown, path: readonly PropertyKey[]): boolean {
  const passed = new Set<unknown>()
  let at = value
  try {
    for (const key of path) {
      if (typeof at !== 'object' || at === null) return false
      passed.add(at)
      at = (at as Record<PropertyKey, unknown>)[key]
      if (passed.has(at)) return true
    }
  } catch {
    // Read a second time it may throw.
  }
  return false
}

/** Also of another realm (a test runner, a vm context): its prototype is the end of a chain. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}

function numberFlaw(value: number): Flaw | undefined {
  if (!Number.isFinite(value)) return notJson(String(value), 'pass null, or text')
  // From 1e21 on a number is written with an exponent, which does not look exact.
  if (Math.abs(value) >= 1e21) return undefined
  return { code: 'INTEGER_TOO_LARGE', what: `is ${value}, which cannot be kept exactly`, hint: 'pass it as text', path: [] }
}

function primitiveFlaw(value: unknown): Flaw | undefined {
  if (typeof value !== 'bigint') return notJson(`a ${typeof value}`, typeof value === 'function' ? 'pass what it returns' : 'pass text')
  const { toJSON } = BigInt.prototype as { toJSON?: unknown }
  return typeof toJSON === 'function' ? undefined : notJson('a BigInt', 'pass it as text')
}

const CLASS_HINTS: Readonly<Record<string, string>> = {
  Map: 'pass Object.fromEntries(map), or [...map]',
  Set: 'pass [...set]',
  Promise: 'await it first',
  RegExp: 'pass its source',
}

function classFlaw(value: object): Flaw {
  const made = (Object.getPrototypeOf(value) as { constructor?: unknown }).constructor
  const name = typeof made === 'function' && typeof made.name === 'string' ? made.name.slice(0, 60) : ''
  if (value instanceof Error) return notJson(`an error (${name})`, 'pass its message, or throw it')
  const hint = (Object.hasOwn(CLASS_HINTS, name) && CLASS_HINTS[name]) || 'pass a plain object, or give its class a toJSON'
  return notJson(name === '' ? 'an object of a class without a name' : `${/^[AEIOU]/i.test(name) ? 'an' : 'a'} ${name}`, hint)
}

const notJson = (what: string, hint: string): Flaw => ({ code: 'not-json', what: `is ${what}, which JSON cannot carry`, hint, path: [] })
const CYCLE = notJson('part of itself', 'pass data without cycles')
const tooMany = (): Flaw => ({ code: 'too-large', what: 'has more values than could fit', path: [] })
const unreadable = (error: unknown): Flaw => ({ code: 'not-json', what: `cannot be read: ${messageOf(error)}`, path: [] })

/**
 * Parse a JSON value from outside that stands alone: refuses what is not JSON, what is nested too deep, and integers that a double cannot hold.
 * @throws CarillonError INVALID_JSON, JSON_TOO_DEEP, INTEGER_TOO_LARGE
 */
export function parseJson(text: string, field = 'body'): Json {
  const fail = (code: ErrorCode, what: string, value: string) => new CarillonError(code, `${field} ${what}`, { field, value })
  if (nestsTooDeep(text)) throw fail('JSON_TOO_DEEP', `is nested deeper than ${LIMITS.jsonDepth} levels`, printable(text, 40))
  const large = largeNumberIn(text)
  if (large !== undefined)
    throw fail('INTEGER_TOO_LARGE', `holds ${printable(large, 40)}, which cannot be kept exactly`, large.slice(0, 40))
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw fail('INVALID_JSON', `is not JSON: ${messageOf(error)}`, printable(text, 60))
  }
}
