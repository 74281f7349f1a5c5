import { z } from 'zod'
import { nameField, runIdField } from './fields.ts'
import { LIMITS } from './limits.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const logLineSchema = z.object({
  /** Order within a task's attempt, from 1. */
  seq: z.int().min(1),
  at: z.string().max(40),
  level: z.enum(LOG_LEVELS).catch('info'),
  message: z.string().transform((text) => text.slice(0, LIMITS.logLineBytes)),
  fields: z.record(z.string(), z.unknown()).optional(),
})
export type LogLine = z.output<typeof logLineSchema>

/** One message on `log.<runId>`. */
export const logMessageSchema = z.object({
  runId: nameField,
  taskId: nameField,
  attempt: z.int().min(1),
  instance: nameField,
  /** Lines lost before the first of these, because the executor's buffer was full. */
  dropped: z.int().min(0).optional(),
  lines: z.array(logLineSchema).max(LIMITS.logLinesPerMessage),
})
export type LogMessage = z.output<typeof logMessageSchema>

export const queryLogsSchema = z.strictObject({
  runId: runIdField,
  taskId: nameField.optional(),
  /** Lines of this level and above. */
  level: z.enum(LOG_LEVELS).optional(),
  /** Lines that contain this text. */
  text: z.string().max(200).optional(),
  order: z.enum(['oldest', 'newest']).default('oldest'),
  cursor: z.string().max(200).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(200),
})

/** A stored line, as the logger shows it. */
export interface LogView extends Omit<LogLine, 'seq'> {
  /** Order within a task's attempt, from 1; below 0 in a line of our own that tells of dropped ones. */
  readonly seq: number
  readonly runId: string
  readonly taskId: string
  readonly attempt: number
  readonly instance: string
}
