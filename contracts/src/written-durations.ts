import { parseDuration } from './duration.ts'
import { CarillonError, printable } from './errors.ts'
import { LIMITS } from './limits.ts'

/** Fields of a workflow, beside its nodes, that may be durations as text. */
export const WRITTEN_DURATIONS = ['timeout', 'runTimeout', 'deadline'] as const

/**
 * The same fields with durations as text in the place of milliseconds: `timeout: '30s'` is `timeoutMs: 30_000`.
 * @param path where the fields are, for errors @throws CarillonError INVALID_DELAY
 */
export function withMilliseconds(fields: object, names: readonly string[], path = ''): Record<string, unknown> {
  const written = Object.entries(fields).map(([name, value]): [string, unknown] => {
    if (!names.includes(name) || value === undefined) return [name, value]
    const field = path === '' ? name : `${path}.${name}`
    if (`${name}Ms` in fields) throw wrong(field, value, `Give ${name} or ${name}Ms.`)
    const ms = parseDuration(value)
    if (ms === undefined)
      throw wrong(field, value, `Use a duration such as '500ms', '10m', '1h30m' or '2d', up to ${LIMITS.horizonYears} years.`)
    return [`${name}Ms`, ms]
  })
  return Object.fromEntries(written)
}

/** A node with the durations of its task, and of what it waits for, in milliseconds. @throws CarillonError INVALID_DELAY */
export function nodeInMilliseconds(node: object, path: string): Record<string, unknown> {
  const timed = withMilliseconds(node, ['timeout'], path)
  const { wait } = timed
  return isObject(wait) ? { ...timed, wait: waitInMilliseconds(wait, `${path}.wait`) } : timed
}

function waitInMilliseconds(wait: object, path: string): Record<string, unknown> {
  const timed = withMilliseconds(wait, ['duration', 'timeout'], path)
  const { approval } = timed
  return isObject(approval) ? { ...timed, approval: withMilliseconds(approval, ['timeout'], `${path}.approval`) } : timed
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

const wrong = (field: string, value: unknown, hint: string) =>
  new CarillonError('INVALID_DELAY', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
