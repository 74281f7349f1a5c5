import type { Json } from '@carillon/contracts'
import { widthOf } from './cel/meter.ts'
import type { ExpressionKey } from './expression.ts'
import { EXPRESSION_LIMITS } from './limits.ts'

/** A result that its place cannot use; the message says what it is and what would be right. */
class UnusableResult extends Error {}

export function booleanOf(result: unknown): boolean {
  if (typeof result === 'boolean') return result
  throw new UnusableResult(`it is ${describe(result)}, not true or false`)
}

export function keyOf(result: unknown): ExpressionKey {
  if (result === null || result === undefined) return undefined
  const value = typeof result === 'bigint' ? wholeNumber(result) : result
  if (typeof value === 'number' && !Number.isFinite(value)) throw new UnusableResult(`it is ${value}, which is no key`)
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw new UnusableResult(`it is ${describe(value)}; a key is a text, a number or a boolean`)
  }
  const { keyBytes } = EXPRESSION_LIMITS
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0
  if (bytes > keyBytes) throw new UnusableResult(`it has ${bytes} bytes; a key has at most ${keyBytes}`)
  return JSON.stringify(value)
}

/** A result as plain JSON. A list may hold one large value many times: `spend` is called for each value, with its cost. */
export function jsonOf(result: unknown, spend: (units: number) => void): Json {
  spend(1 + widthOf(result))
  if (result === null || typeof result === 'string' || typeof result === 'boolean') return result
  if (typeof result === 'bigint') return wholeNumber(result)
  if (typeof result === 'number' && Number.isFinite(result)) return result
  if (Array.isArray(result)) return result.map((item) => jsonOf(item, spend))
  if (result instanceof Map)
    return Object.fromEntries([...result].filter(([, value]) => value !== undefined).map(([key, value]) => [key, jsonOf(value, spend)]))
  if (result instanceof Date) return result.toISOString()
  throw new UnusableResult(`it is ${describe(result)}, which is not JSON`)
}

function wholeNumber(value: bigint): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new UnusableResult(`it is ${value}, which JSON cannot keep exactly: use string(…)`)
}

function describe(result: unknown): string {
  if (result === null) return 'null'
  if (Array.isArray(result)) return 'a list'
  if (result instanceof Map) return 'a map'
  if (result instanceof Date) return 'a timestamp'
  if (typeof result === 'string') return 'a text'
  if (typeof result === 'number' || typeof result === 'bigint') return `a number (${result})`
  return typeof result === 'boolean' ? 'a boolean' : String(result?.constructor?.name.toLowerCase() ?? result)
}
