import { inspect } from 'node:util'
import { LIMITS, messageOf, writeJson } from '@carillon/contracts'

/** What is logged is shown to people: deeper, or longer, nobody reads it. */
const MAX_DEPTH = 8
const MAX_NODES = 2_000
const INSPECT = {
  depth: 4,
  maxArrayLength: 50,
  maxStringLength: 1_000,
  breakLength: Number.POSITIVE_INFINITY,
  compact: true,
  getters: false,
  // Code of the user's that may do anything.
  customInspect: false,
} as const
const WHOLE = { field: 'fields', maxBytes: LIMITS.messageBytes, tooLarge: 'INVALID_REQUEST', notJson: 'INVALID_JSON' } as const

/** A message as text: an error by its stack, any other object as JSON, with what JSON cannot carry as in `loggableText`. Never throws. */
export function messageText(message: unknown): string {
  if (typeof message === 'string') return message
  if (typeof message !== 'object' || message === null) return shown(message)
  const { stack } = asError(message) ?? {}
  if (stack !== undefined) return stack
  const text = loggableText(message)
  return text.startsWith('"') ? (JSON.parse(text) as string) : text
}

/**
 * A value as JSON text. What JSON cannot carry is shown as text in its place: maps and sets, instances of classes and functions as `util.inspect`
 * writes them, integers beyond 2^53 by their digits, errors as name, message and stack, what cannot be read by the reason. Never throws.
 */
export function loggableText(value: unknown): string {
  try {
    return writeJson(value, WHOLE)
  } catch {
    // Then piece by piece.
  }
  return JSON.stringify(loggable(value, [], { nodesLeft: MAX_NODES }))
}

function loggable(value: unknown, ancestors: readonly object[], walk: { nodesLeft: number }): unknown {
  if (walk.nodesLeft-- <= 0) return '[…]'
  if (typeof value === 'string') return value.length > LIMITS.logLineBytes ? `${value.slice(0, LIMITS.logLineBytes)}…` : value
  if (typeof value === 'boolean' || value === null || value === undefined) return value
  if (typeof value === 'number')
    return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value)) ? value : String(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object') return shown(value)
  if (ancestors.includes(value)) return '[circular]'
  if (ancestors.length >= MAX_DEPTH) return shown(value)
  try {
    const deeper = (member: unknown) => loggable(member, [...ancestors, value], walk)
    const error = asError(value)
    if (error) return deeper(error)
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') return deeper(toJSON.call(value, ''))
    if (Array.isArray(value)) return Array.from(value.slice(0, MAX_NODES), deeper)
    const prototype = Object.getPrototypeOf(value) as object | null
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return shown(value)
    return Object.fromEntries(Object.keys(value).map((key) => [key, memberOf(value, key, deeper)]))
  } catch (error) {
    return `[unreadable: ${messageOf(error)}]`
  }
}

function memberOf(value: object, key: string, deeper: (member: unknown) => unknown): unknown {
  try {
    return deeper((value as Record<string, unknown>)[key])
  } catch (error) {
    return `[unreadable: ${messageOf(error)}]`
  }
}

function asError(value: object): { name: string; message: string; stack?: string | undefined } | undefined {
  try {
    if (!(value instanceof Error)) return undefined
    const { name, message, stack } = value
    return { name: String(name), message: String(message), stack: stack === undefined ? undefined : String(stack) }
  } catch {
    return undefined
  }
}

function shown(value: unknown): string {
  try {
    return inspect(value, INSPECT)
  } catch (error) {
    return `[unreadable: ${messageOf(error)}]`
  }
}
