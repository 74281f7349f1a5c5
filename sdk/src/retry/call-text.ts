import { createHash } from 'node:crypto'
import { CarillonError, LIMITS, printable, writeJson } from '@carillon/contracts'

const ARGUMENTS = { field: 'arguments', maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' } as const

/**
 * The arguments of a call as JSON text, read before the call, which may change them. Trailing arguments that are undefined are left out.
 * @throws CarillonError INVALID_JSON, PAYLOAD_TOO_LARGE, JSON_TOO_DEEP, INTEGER_TOO_LARGE: names the path, also of what would arrive as something else, such as a Date
 */
export function argumentsText(args: readonly unknown[]): string {
  let count = args.length
  while (count > 0 && args[count - 1] === undefined) count--
  const given = args.slice(0, count)
  const text = writeJson(given, ARGUMENTS)
  const changed = changedPath(given)
  if (changed === undefined) return text
  const field = ['arguments', ...changed.path].join('.')
  throw new CarillonError('INVALID_JSON', `${field} is ${changed.what}, which a retry would get as something else`, {
    field,
    hint: changed.hint,
  })
}

interface Changed {
  readonly path: readonly string[]
  readonly what: string
  readonly hint: string
}

/** The first value that JSON would turn into another one. It is JSON already, so neither deep nor a cycle. */
function changedPath(value: unknown): Changed | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    const name = (value as object).constructor?.name ?? 'object'
    return { path: [], what: `an object with toJSON (${name})`, hint: 'Pass what its toJSON returns; of a Date its toISOString().' }
  }
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined && Array.isArray(value)) return { path: [key], what: 'undefined', hint: 'Pass null.' }
    const changed = changedPath(member)
    if (changed) return { ...changed, path: [key, ...changed.path] }
  }
  return undefined
}

/** The key of a call in the mesh: that of the user, else all arguments, their members in any order. @throws CarillonError INVALID_REQUEST */
export function keyOfCall(scene: string, own: unknown, text: string): string {
  if (typeof own !== 'string' || own === '') {
    if (own !== ARGUMENTS_KEY) throw wrongKey(own)
    return `retry/${scene}/${hashOf(canonical(JSON.parse(text)))}`
  }
  const key = `retry/${scene}/${own}`
  if (key.length > LIMITS.keyLength) throw wrongKey(own)
  return key
}

/** Stands for the key of a function that has none of its own. */
export const ARGUMENTS_KEY = Symbol('arguments')

function wrongKey(own: unknown): CarillonError {
  const hint = `Answer text of 1 to about ${LIMITS.keyLength - LIMITS.nameLength - 10} letters, or undefined for a call that is like no other.`
  return new CarillonError('INVALID_REQUEST', `key is wrong: ${printable(own)}`, { field: 'key', value: printable(own), hint })
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url')

/** JSON text with the members of objects in one order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
