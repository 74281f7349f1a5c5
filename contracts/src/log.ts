import * as z from 'zod'
import { CarillonError, messageOf } from './errors.ts'
import { instantField, nameField, objectField, parseInput, runIdField, taskIdField, timeField } from './fields.ts'
import { UnacceptableJson } from './json-text.ts'
import { LIMITS } from './limits.ts'
import { LOG_LEVELS } from './log-levels.ts'

const logLineSchema = z.object({
  /** Order within a task's attempt, from 1. */
  seq: z.int().min(1),
  at: z.string().max(40),
  level: z.enum(LOG_LEVELS).catch('info'),
  message: z.string().transform((text) => text.slice(0, LIMITS.logLineBytes)),
  fields: objectField('Use an object.').optional(),
})
export type LogLine = z.output<typeof logLineSchema>

/** One message on `log.<runId>`. */
export const logMessageSchema = z.object({
  runId: nameField,
  taskId: taskIdField,
  attempt: z.int().min(1),
  instance: nameField,
  /** Lines lost before the first of these, because the executor's buffer was full. */
  dropped: z.int().min(0).optional(),
  lines: z.array(logLineSchema).max(LIMITS.logLinesPerMessage),
})
export type LogMessage = z.output<typeof logMessageSchema>

const logHeadSchema = logMessageSchema.extend({ lines: z.array(z.unknown()) })

/**
 * Reads a message of log lines. An invalid line, or one beyond the 100 of a message, is dropped and counted in `refused`. A field that
 * is not acceptable is replaced by the reason.
 * @throws CarillonError when it is no such message
 */
export function readLogMessage(body: unknown): LogMessage & { readonly refused: number; readonly why?: string | undefined } {
  const { lines, ...head } = parseInput(logHeadSchema, body, 'log message')
  const read: LogLine[] = []
  let why: string | undefined
  for (const [i, line] of lines.entries()) {
    try {
      if (i >= LIMITS.logLinesPerMessage)
        throw new CarillonError('INVALID_REQUEST', `a message has at most ${LIMITS.logLinesPerMessage} lines`, { field: 'lines' })
      const { fields, ...parsed } = parseInput(logLineSchema, line, `lines.${i}`)
      read.push(fields === undefined ? parsed : { ...parsed, fields: acceptable(fields) })
    } catch (error) {
      why ??= messageOf(error)
    }
  }
  return { ...head, lines: read, refused: lines.length - read.length, why }
}

function acceptable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof UnacceptableJson ? value.refusal('it').message : value]),
  )
}

export const queryLogsSchema = z.strictObject({
  runId: runIdField,
  taskId: taskIdField.optional(),
  /** Lines of this level and above. */
  level: z.enum(LOG_LEVELS).optional(),
  /** Lines that contain this text. */
  text: z.string().max(200).optional(),
  order: z.enum(['oldest', 'newest']).default('oldest'),
  cursor: z.string().max(400).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(200),
})

/** A stored line, as the logger shows it. */
export const logViewSchema = z.object({
  at: z.string(),
  level: z.enum(LOG_LEVELS),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional(),
  /** Order within a task's attempt, from 1; below 0 in a generated line that reports dropped ones. */
  seq: z.int(),
  runId: z.string(),
  taskId: z.string(),
  attempt: z.int(),
  instance: z.string(),
})
export type LogView = Readonly<z.output<typeof logViewSchema>>

/** Log lines of a namespace that all given filters accept. */
export const searchLogsSchema = z.strictObject({
  /** Of runs of this job; they come by run then, the newest run first. */
  job: nameField.optional(),
  /** What this instance has written. */
  instance: nameField.optional(),
  /** Lines of this level and above. */
  level: z.enum(LOG_LEVELS).optional(),
  /** Lines that contain exactly this, in the message or in the fields as JSON. It is no pattern. */
  text: z.string().min(1).max(LIMITS.searchLength).optional(),
  /** From this time on. */
  since: instantField.optional(),
  /** Before this time. */
  until: instantField.optional(),
  cursor: z.string().max(LIMITS.cursorLength).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(200),
})
export type SearchLogs = z.output<typeof searchLogsSchema>

/** A page of lines that were found; it may hold fewer than `limit`, even none, and have a `next`. */
export const linesFoundSchema = z.object({
  items: z.array(logViewSchema).readonly(),
  /** The cursor of what follows; it goes with the same filters. */
  next: z.string().exactOptional(),
  /** What is newer than this was searched; with a job the runs that were created after it. Absent: everything was. */
  searchedBackTo: timeField.exactOptional(),
  applied: z.object({ since: timeField.exactOptional(), until: timeField.exactOptional() }),
})
export type LinesFound = Readonly<z.output<typeof linesFoundSchema>>
