import * as z from 'zod'
import { HORIZON_MS } from './duration.ts'
import type { ErrorCode } from './error-codes.ts'
import { CarillonError, printable } from './errors.ts'
import { hintOf, type Issue } from './hints.ts'
import { RUN_ID, TASK_ID } from './ids.ts'
import { UnacceptableJson } from './json-text.ts'
import { isName, NAME, NAME_RULE, nameHint, RESERVED_NAMES } from './names.ts'

/** A zod schema whose failure has a code of the catalogue. */
export function coded<T extends z.ZodType>(schema: T, code: ErrorCode, hint: string, accepts: (value: z.output<T>) => boolean) {
  // Else a union would take a branch in which nothing but this is wrong for the one that was meant.
  return schema.refine(accepts, { error: hint, params: { code }, abort: true })
}

/** A field that is checked by a function of this package. */
export interface CodedField<Value> {
  readonly code: ErrorCode
  /** What would be right, in words. */
  readonly hint: string
  readonly accepts: (value: unknown) => boolean
  /** The same rule as JSON Schema, as far as that can express it. */
  readonly json: Readonly<Record<string, unknown>>
  /** Type only. */
  readonly value?: Value
}

export function codedField<Value>({ code, hint, accepts, json }: CodedField<Value>): z.ZodType<Value, Value> {
  return coded(z.unknown(), code, hint, accepts).meta({ ...json }) as unknown as z.ZodType<Value, Value>
}

/** A name that may become a subject token. */
export const nameField = codedField<string>({
  code: 'INVALID_NAME',
  hint: `Use ${NAME_RULE}.`,
  accepts: isName,
  json: { type: 'string', pattern: NAME.source, not: { enum: [...RESERVED_NAMES] } },
})
/** The id of a task, or of a run whose only task it is. */
export const taskIdField = z.string().regex(TASK_ID, 'Use the id as it was given out.')
export const runIdField = z.string().regex(RUN_ID, 'A run id has 16 to 48 small letters and digits.')

/** An object of JSON that is kept as it is, whatever its members are called: `z.record` leaves out one with the name `__proto__`. */
export const objectField = (hint: string) =>
  codedField<Record<string, unknown>>({
    code: 'INVALID_REQUEST',
    hint,
    accepts: (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof UnacceptableJson),
    json: { type: 'object', additionalProperties: {} },
  })

const isDelay = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= HORIZON_MS
/** A duration in whole milliseconds, from 0 to ten years. */
export const durationField = codedField<number>({
  code: 'INVALID_DELAY',
  hint: 'Use whole milliseconds from 0 up to 10 years.',
  accepts: isDelay,
  json: { type: 'integer', minimum: 0, maximum: HORIZON_MS },
})

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/** Milliseconds since 1970 of a strict RFC 3339 text, or undefined: a date that does not exist is not moved to another day. */
export function parseInstant(text: unknown): number | undefined {
  const parts = typeof text === 'string' ? RFC_3339.exec(text) : null
  if (!parts) return undefined
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  const calendarDay = new Date(Date.UTC(year, month - 1, day))
  if (calendarDay.getUTCMonth() !== month - 1 || calendarDay.getUTCDate() !== day) return undefined
  const ms = Date.parse(parts[0])
  return Number.isFinite(ms) ? ms : undefined
}

const DATE_HINT = 'Use an existing date with its zone as in RFC 3339, such as 2030-01-31T09:00:00Z.'
/** A point in time as RFC 3339 text with its zone. */
export const instantField = codedField<string>({
  code: 'INVALID_DATE',
  hint: DATE_HINT,
  accepts: (value) => parseInstant(value) !== undefined,
  json: { type: 'string', format: 'date-time' },
})
/** A point in time as services write it. */
export const timeField = z.string().meta({ format: 'date-time' })

/**
 * Check what comes from outside.
 * @throws CarillonError with the code of the first offending field (INVALID_REQUEST if it has none of its own), its path and its value
 */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown, what = 'request'): z.output<T> {
  // A schema whose fields are all optional would accept it as an object.
  if (input instanceof UnacceptableJson) throw input.refusal(what)
  const outcome = schema.safeParse(input)
  if (outcome.success) return outcome.data
  throw refusalOf(firstIssue(outcome.error.issues, input), input, what)
}

/** All that is wrong with a value, as `parseInput` says it of the first problem; none if it is right. */
export function problemsIn(schema: z.ZodType, input: unknown, what = 'request'): CarillonError[] {
  if (input instanceof UnacceptableJson) return [input.refusal(what)]
  return everyIssue(schema.safeParse(input).error?.issues ?? [], input).map((issue) => refusalOf(issue, input, what))
}

/** Each field by itself. Of a union the branch was meant of which the fewest fields are missing, then the one with the fewest problems. */
function everyIssue(issues: readonly z.core.$ZodIssue[], input: unknown): Issue[] {
  return issues.flatMap((issue): Issue[] => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ ...issue, keys: [key] }))
    const given = valueAt(input, issue.path)
    if (issue.code !== 'invalid_union' || typeof given !== 'object' || given === null || Object.keys(given).length === 0) return [issue]
    // Of the object itself: what lacks within a member says nothing about which branch that member is of.
    const lacks = ({ path }: z.core.$ZodIssue) => path.length === 1 && valueAt(given, path) === undefined
    const missing = (branch: readonly z.core.$ZodIssue[]) => branch.filter(lacks).length
    const [meant, next] = issue.errors.toSorted((one, other) => missing(one) - missing(other) || one.length - other.length)
    // Where each branch lacks something, and none less than the others, all of them are named; or what none of them has, which may be misspelt.
    if (!meant || (next && missing(meant) > 0 && missing(meant) === missing(next))) {
      const unknown = unknownFields(issue, given)
      return unknown.length > 0 ? unknown : [issue]
    }
    return everyIssue(meant, given).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
  })
}

/** Fields that no branch of a union has, with those that could be meant because they are missing. */
function unknownFields({ errors, path }: z.core.$ZodIssueInvalidUnion, given: object): Issue[] {
  const unknownIn = (branch: readonly z.core.$ZodIssue[]) =>
    branch.flatMap((issue) => (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : []))
  const missing = errors.flat().flatMap(({ path: [name, ...rest] }) => {
    return typeof name === 'string' && rest.length === 0 && !(name in given) ? [name] : []
  })
  const unknown = Object.keys(given).filter((name) => errors.every((branch) => unknownIn(branch).includes(name)))
  const text = { code: 'unrecognized_keys', message: 'Unrecognized key', path } as const
  return unknown.map((name): Issue => ({ ...text, keys: [name], missing: [...new Set(missing)], input: given as Record<string, unknown> }))
}

function refusalOf(issue: Issue, input: unknown, what: string): CarillonError {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] as string] : issue.path
  const field = path.join('.') || what
  for (let depth = 0; depth <= path.length; depth++) {
    const part = valueAt(input, path.slice(0, depth))
    if (part instanceof UnacceptableJson) return part.refusal(path.slice(0, depth).join('.') || what)
  }
  const value = valueAt(input, path)
  const code = (issue.code === 'custom' && (issue.params?.['code'] as ErrorCode | undefined)) || 'INVALID_REQUEST'
  // As JSON it would look like the text that is right.
  if (isDate(value))
    return new CarillonError(code, `${field} is wrong: it is a Date`, { field, value: printable(value), hint: 'Pass its toISOString().' })
  const hint = code === 'INVALID_NAME' && !isName(value) ? nameHint(value) : hintOf(issue)
  return new CarillonError(code, `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}

const isDate = (value: unknown) => value instanceof Date || (Array.isArray(value) && value.some((entry) => entry instanceof Date))

/** Of a union the branch with the fewest problems was meant; a problem of a present field is more informative than that of a missing one. */
function firstIssue(issues: readonly z.core.$ZodIssue[], input: unknown): z.core.$ZodIssue {
  const issue = issues[0] as z.core.$ZodIssue
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const given = valueAt(input, issue.path)
  if (typeof given !== 'object' || given === null || Object.keys(given).length === 0) return issue
  const fewest = Math.min(...issue.errors.map((errors) => errors.length))
  const problems = issue.errors.filter((errors) => errors.length === fewest).flat()
  const telling = problems.find((problem) => problem.code === 'unrecognized_keys' || valueAt(given, problem.path) !== undefined)
  const inner = firstIssue([telling ?? (problems[0] as z.core.$ZodIssue)], given)
  return { ...inner, path: [...issue.path, ...inner.path] }
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    input,
  )
}
