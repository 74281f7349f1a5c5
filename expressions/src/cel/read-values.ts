import { EXPRESSION_LIMITS } from '../limits.ts'
import type { Variables } from '../variables.ts'
import { fault } from './library.ts'
import type { Members } from './members.ts'
import type { Meter } from './meter.ts'

const EMPTY: ReadonlyMap<string, unknown> = new Map()

/**
 * What an expression reads of its variables, copied: objects become `Map`s, which have neither prototype members nor getters, and in which
 * `__proto__` and `constructor` are names as any other. A variable that is not given is null, or empty.
 * @throws what `faultOf` reads: a value that is not JSON, too deep, or too large
 */
export function readValues(
  given: Readonly<Record<string, unknown>>,
  read: ReadonlyMap<string, Members>,
  { variables, meter }: { readonly variables: Variables; readonly meter: Meter },
): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>()
  for (const [name, members] of read) {
    const value = ownValue(given, name)
    const isMissing = value === undefined || value === null
    const type = variables[name]
    const whenMissing = type === 'map of text' || Array.isArray(type) ? EMPTY : null
    const needed = Array.isArray(type) ? new Map(type.map((member: string) => [member, undefined])) : members
    values.set(name, isMissing ? whenMissing : copy(value, needed, { meter, depth: 0, name }))
  }
  return values
}

interface At {
  readonly meter: Meter
  readonly depth: number
  readonly name: string
}

function copy(value: unknown, members: Members, at: At): unknown {
  at.meter.spend(1)
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value !== 'object' || !isPlain(value)) throw fault('not_json', `a value in ${JSON.stringify(at.name)} is not JSON`)
  if (at.depth >= EXPRESSION_LIMITS.valueDepth) throw fault('too_deep', `${JSON.stringify(at.name)} is nested too deep`)
  const within = { ...at, depth: at.depth + 1 }
  if (Array.isArray(value)) return value.map((item) => copy(item ?? null, undefined, within))
  const made = new Map<string, unknown>()
  for (const name of members?.keys() ?? Object.keys(value)) {
    const member = ownValue(value, name)
    if (member !== undefined) made.set(name, copy(member, members?.get(name), within))
  }
  return made
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

/** A getter is not called: it is code. */
function ownValue(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value
}
