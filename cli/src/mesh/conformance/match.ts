import { isDeepStrictEqual } from 'node:util'

/** Whether `actual` has at least what `expected` has: objects may have more fields, everything else must be equal. */
export function fits(expected: unknown, actual: unknown): boolean {
  if (!isObject(expected)) return isDeepStrictEqual(expected, actual)
  return isObject(actual) && Object.entries(expected).every(([name, value]) => fits(value, actual[name]))
}

/** A template with its variables filled in. */
export function filled<T>(template: T, values: Readonly<Record<string, string>>): T {
  if (typeof template === 'string') return template.replace(/\$([a-z]+)/g, (text, name: string) => values[name] ?? text) as T
  if (Array.isArray(template)) return template.map((item) => filled(item, values)) as T
  if (!isObject(template)) return template
  return Object.fromEntries(Object.entries(template).map(([name, value]) => [name, filled(value, values)])) as T
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
