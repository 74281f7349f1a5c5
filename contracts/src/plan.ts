import * as z from 'zod'
import { codedField } from './fields.ts'
import { countText } from './hints.ts'
import { LIMITS } from './limits.ts'

/** How the tasks of a run are created: what a handler announces when it registers, unless its runs are single. */
export const HANDLER_KINDS = ['map', 'map-reduce'] as const
export type HandlerKind = (typeof HANDLER_KINDS)[number]
/** The modes that a caller may request by name; `shards` is requested by its number or list. */
export const NAMED_MODES = ['single', 'broadcast', ...HANDLER_KINDS] as const
export type NamedMode = (typeof NAMED_MODES)[number]
export const RUN_MODES = [...NAMED_MODES, 'shards', 'workflow'] as const
export type RunMode = (typeof RUN_MODES)[number]
/** How urgent a run is, from first to last. Of work that waits each has its share, so that none is starved. */
export const PRIORITIES = ['high', 'normal', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]
/** Names of tasks that a map gives itself. */
export const OWN_TASK_NAMES = ['root', 'reduce', 'merge'] as const

/** Failed tasks that do not fail their run: a number of them, or a share of all such as `5%`. */
export type Tolerance = number | `${number}%`

const PERCENT = /^(\d{1,2}(\.\d{1,3})?|100)%$/
const isTolerance = (value: unknown) =>
  typeof value === 'number' ? Number.isSafeInteger(value) && value >= 0 : typeof value === 'string' && PERCENT.test(value)
export const toleranceField = codedField<Tolerance>({
  code: 'INVALID_REQUEST',
  hint: 'Use a whole number of tasks from 0, or a share such as "5%".',
  accepts: isTolerance,
  json: {
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: PERCENT.source },
    ],
  },
})

const HINT = `Use a whole number from 1 to ${countText(LIMITS.shards)}.`
const countField = z.int(HINT).min(1, HINT).max(LIMITS.shards, HINT)

/** Options of fan-out runs: part of a job, and of the request for a run. */
export const planFields = {
  /** The run has this many tasks, for any instance with room; each knows its index and how many there are. Of a map-reduce: reduce tasks, 1 by default. */
  shards: countField.optional(),
  /** The run has one task for each of these. */
  items: z.array(z.unknown()).min(1, 'Give at least one item.').max(LIMITS.shards).optional(),
  /** Tasks of the run that may be under way at once; all by default. */
  maxParallel: countField.optional(),
  /** Failed tasks that do not fail the run: a number, or a share such as `5%`; none by default. */
  tolerate: toleranceField.optional(),
}
