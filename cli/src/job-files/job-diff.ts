import { isDeepStrictEqual } from 'node:util'
import type { WrittenJob } from './written-job.ts'

/** One field that differs; undefined is absent. */
export interface FieldChange {
  /** As a path, such as `schedule.cron`. */
  readonly field: string
  readonly from: unknown
  readonly to: unknown
}

/**
 * What differs between a stored job and one of a file, field by field. A file without `mode` leaves it to what the handler announces, and one without
 * `paused` leaves the state to the operator.
 */
export function diffOf(stored: WrittenJob | undefined, wanted: WrittenJob): FieldChange[] {
  const isLeftToHandler = wanted.mode === undefined && (stored?.mode === 'map' || stored?.mode === 'map-reduce')
  const { paused, mode, ...rest } = stored ?? {}
  const [before, after] = [
    leavesOf({
      ...rest,
      ...(mode === undefined || isLeftToHandler ? {} : { mode }),
      ...(paused === undefined || wanted.paused === undefined ? {} : { paused }),
    }),
    leavesOf(wanted),
  ]
  return [...new Set([...after.keys(), ...before.keys()])]
    .filter((field) => field !== 'name' && !isDeepStrictEqual(before.get(field), after.get(field)))
    .map((field) => ({ field, from: before.get(field), to: after.get(field) }))
}

/** The values of an object by their paths; lists and empty objects are values. */
function leavesOf(value: object, path = '', into = new Map<string, unknown>()): Map<string, unknown> {
  for (const [name, part] of Object.entries(value)) {
    const field = path === '' ? name : `${path}.${name}`
    if (typeof part === 'object' && part !== null && !Array.isArray(part) && Object.keys(part).length > 0) leavesOf(part, field, into)
    else into.set(field, part)
  }
  return into
}
