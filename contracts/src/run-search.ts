import * as z from 'zod'
import { BULK_ACTIONS } from './bulk-actions.ts'
import { instantField, nameField, runIdField, timeField } from './fields.ts'
import { RUN_STATES, type RunState } from './lifecycle.ts'
import { LIMITS } from './limits.ts'
import { runViewSchema, stateField, triggerField } from './run.ts'

/** The ends that are listed by when they came: success is not, or each run would pay for an index of these times. */
export const UNSUCCESSFUL_STATES = ['failed', 'timed_out', 'cancelled', 'skipped', 'expired'] as const satisfies readonly RunState[]
const isUnsuccessful = (state: RunState) => (UNSUCCESSFUL_STATES as readonly RunState[]).includes(state)

/** One, or several of which any may match. */
const someOf = <Item extends z.ZodType>(item: Item, count: number) => z.union([item, z.array(item).min(1).max(count)])

/** What a run must be, all of what is given. */
const filterFields = {
  job: nameField.optional(),
  handler: nameField.optional(),
  /** Runs of the handlers that live instances of this service offer. */
  service: nameField.optional(),
  /** The run with this idempotency key. */
  key: z.string().min(1).max(LIMITS.keyLength).optional(),
  /** In one of these states. */
  state: someOf(stateField, RUN_STATES.length).optional(),
  /** Of one of these origins. */
  trigger: someOf(triggerField, triggerField.options.length).optional(),
  /** The instance that has it, or had it last. */
  instance: nameField.optional(),
  /** `name=value`: live instances with this label have it, or had it last. */
  label: z
    .string()
    .max(2 * LIMITS.nameLength + 1)
    .regex(/^[^=]+=.*$/, 'Use name=value.')
    .optional(),
  /** From this time on. */
  since: instantField.optional(),
  /** Before this time: with the order `newest` the list begins there. */
  until: instantField.optional(),
  /**
   * The time that `since`, `until` and the order are about: when the run was created (default), or when it ended; then only runs that have ended without success
   * are listed.
   */
  time: z.enum(['created', 'ended']).optional(),
  /**
   * Runs that contain exactly this text: in the key, in the error (its name, message, code or stack), or in the JSON of a payload of up to 4,096
   * characters. It is no pattern.
   */
  text: z.string().min(1).max(LIMITS.searchLength).optional(),
}

const statesOf = (state: RunState | readonly RunState[] | undefined): readonly RunState[] =>
  state === undefined ? [] : typeof state === 'string' ? [state] : state

interface TimedFilter {
  readonly time?: 'created' | 'ended' | undefined
  readonly state?: RunState | readonly RunState[] | undefined
}
const fitsTime = ({ time, state }: TimedFilter) => time !== 'ended' || statesOf(state).every(isUnsuccessful)
const TIME_HINT = {
  error: `With the time ended, use some of ${UNSUCCESSFUL_STATES.join(', ')}, or no state: others are listed by when they were created.`,
  path: ['state'],
}

const runFilterSchema = z.strictObject(filterFields).refine(fitsTime, TIME_HINT)
export type RunFilter = z.output<typeof runFilterSchema>

/** Which runs are listed: those that all given filters accept. A page may hold fewer than `limit` accepted runs, even none, and have a `next`. */
export const listRunsSchema = z
  .strictObject({
    ...filterFields,
    order: z.enum(['newest', 'oldest']).default('newest'),
    cursor: z.string().max(LIMITS.cursorLength).optional(),
    limit: z.int().min(1).max(LIMITS.pageSize).default(50),
  })
  .refine(fitsTime, TIME_HINT)
export type ListRuns = z.output<typeof listRunsSchema>

/** What of a request counts in the end. */
const appliedSchema = z.object({
  time: z.enum(['created', 'ended']),
  since: timeField.exactOptional(),
  until: timeField.exactOptional(),
  /** Absent: in any. */
  states: z.array(stateField).readonly().exactOptional(),
  order: z.enum(['newest', 'oldest']).exactOptional(),
})
export type AppliedFilter = Readonly<z.output<typeof appliedSchema>>

/** `next` is the cursor of the following page; it goes with the same filters. */
export const runsListedSchema = z.object({
  items: z.array(runViewSchema).readonly(),
  next: z.string().exactOptional(),
  /** Where the search has ended for now, by the time of the order: `next` goes on from there. Absent where the list is complete, or an index serves it. */
  searchedBackTo: timeField.exactOptional(),
  applied: appliedSchema,
})
export type RunsListed = Readonly<z.output<typeof runsListedSchema>>

export const countRunsSchema = z.strictObject(filterFields).refine(fitsTime, TIME_HINT)
export type CountRuns = z.output<typeof countRunsSchema>

export const runsCountedSchema = z.object({
  /** At most 10,000. */
  count: z.int(),
  /** There may be more: the count was capped, or its time was over. */
  atLeast: z.literal(true).exactOptional(),
  /** Of a count whose time was over: runs that are newer than this were examined. */
  searchedBackTo: timeField.exactOptional(),
  applied: appliedSchema,
})
export type RunsCounted = Readonly<z.output<typeof runsCountedSchema>>

/** `retry-failed`: of a fan-out run what did not succeed, and of any other run all of it. */
export const bulkRunsSchema = z
  .strictObject({
    action: z.enum(BULK_ACTIONS),
    /** Those that it accepts; runs that come after the first request are not among them. */
    filter: runFilterSchema.optional(),
    ids: z.array(runIdField).min(1).max(LIMITS.pageSize).optional(),
    /** Only count them. Default: false. */
    dryRun: z.boolean().optional(),
    /**
     * `asOf` of the first answer, or of a dry run: what has happened to a run since then is not changed, so that a repeated request retries none twice. Default: the time of
     * the first request.
     */
    asOf: instantField.optional(),
    /** `next` of the answer before, to continue the same request. */
    cursor: z.string().max(LIMITS.cursorLength).optional(),
  })
  .refine(({ filter }) => filter === undefined || Object.values(filter).some((value) => value !== undefined), {
    error: 'Name at least one filter, such as state.',
    path: ['filter'],
  })
  .refine(({ filter, ids }) => (filter === undefined) !== (ids === undefined), { error: 'Give either filter or ids.', path: ['filter'] })
export type BulkRuns = z.output<typeof bulkRunsSchema>

export const runsBulkSchema = z.object({
  /** How many runs this part of the request was about. */
  matched: z.int(),
  /** How many of these the action suits. */
  eligible: z.int(),
  /** How many were changed; of a dry run 0. */
  done: z.int(),
  /**
   * The others, by the reason: the code of the error that the run's own call would answer, `ALREADY`, or `CHANGED_SINCE` of the time `asOf`; `examples` are a few of them.
   */
  skipped: z
    .array(z.object({ code: z.string(), message: z.string(), count: z.int(), examples: z.array(z.string()).readonly() }))
    .readonly(),
  asOf: timeField,
  /** The request is not complete: send it again with this as `cursor`. */
  next: z.string().exactOptional(),
})
export type RunsBulk = Readonly<z.output<typeof runsBulkSchema>>

/** What parts of a request have done together. */
export type RunsBulkSum = Omit<RunsBulk, 'asOf' | 'next'>
/** Runs of which a sum names a few. */
const EXAMPLES = 5
export const NO_PARTS: RunsBulkSum = { matched: 0, eligible: 0, done: 0, skipped: [] }

export function addParts(sum: RunsBulkSum, part: RunsBulk): RunsBulkSum {
  const skipped = new Map(sum.skipped.map((one) => [one.code, one]))
  for (const one of part.skipped) {
    const known = skipped.get(one.code)
    const examples = [...(known?.examples ?? []), ...one.examples].slice(0, EXAMPLES)
    skipped.set(one.code, { ...one, count: (known?.count ?? 0) + one.count, examples })
  }
  return {
    matched: sum.matched + part.matched,
    eligible: sum.eligible + part.eligible,
    done: sum.done + part.done,
    skipped: [...skipped.values()],
  }
}
