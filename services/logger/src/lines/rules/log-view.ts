import { LOG_LEVELS, type LogLevel, type LogView } from '@carillon/contracts'
import type { LogRecord } from '@carillon/store'

/** A stored line as `logs.query` shows it. */
export function logView(record: LogRecord): LogView {
  const { namespace: _, at, fields, ...rest } = record
  const view = { ...rest, at: new Date(at).toISOString() }
  return fields === null ? view : { ...view, fields: JSON.parse(fields) as Record<string, unknown> }
}

/** A level and those above it. */
export const levelsFrom = (least: LogLevel): LogLevel[] => LOG_LEVELS.slice(LOG_LEVELS.indexOf(least))
