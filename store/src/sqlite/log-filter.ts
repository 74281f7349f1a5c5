import type { LogRecord } from '../log-records.ts'
import type { LogQuery } from '../search-port.ts'

const ALARMING: readonly LogRecord['level'][] = ['warn', 'error']
/** The condition of the partial indexes, word for word: SQLite uses them in no other way. */
export const IS_ALARMING = `("level" = 'warn' or "level" = 'error')`
/** Of a connection: `withoutTerminalCodes`. */
export const WITHOUT_TERMINAL_CODES = 'without_terminal_codes'
/** The same text three times: it may be in the message, between the colours of a message, or in the fields. */
export const CONTAINS = `(instr("message", ?) > 0 or (instr("message", char(27)) > 0 and instr(${WITHOUT_TERMINAL_CODES}("message"), ?) > 0)
  or instr(coalesce("fields", ''), ?) > 0)`

type Levels = Pick<LogQuery, 'levels'>
/** Whether only warnings and errors are requested. */
export const isAlarming = ({ levels }: Levels): boolean => levels?.every((level) => ALARMING.includes(level)) === true
/** Whether these are all that is requested. */
export const isAllAlarming = (query: Levels): boolean => isAlarming(query) && ALARMING.every((level) => query.levels?.includes(level))
