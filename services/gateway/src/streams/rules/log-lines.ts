import { hasText, LOG_LEVELS, type LogLevel, type LogLine, type LogMessage, type LogView } from '@carillon/contracts'

/** Lines of one attempt that came together. */
export type LinesOfAttempt = Omit<LogMessage, 'lines'> & { readonly lines: readonly LogLine[] }

/** Which lines are shown, as `logs.query` has it. */
export interface LineFilter {
  readonly taskId?: string | undefined
  /** Of this level and above. */
  readonly level?: LogLevel | undefined
  readonly text?: string | undefined
}

/** What distinguishes an attempt from all others of its run. */
export const attemptOf = ({ taskId, attempt }: Pick<LogMessage, 'taskId' | 'attempt'>): string => `${taskId} ${attempt}`

export function acceptsLine({ taskId, level, text }: LineFilter, of: Pick<LogMessage, 'taskId'>, line: LogLine): boolean {
  if (taskId !== undefined && of.taskId !== taskId) return false
  if (level !== undefined && LOG_LEVELS.indexOf(line.level) < LOG_LEVELS.indexOf(level)) return false
  return text === undefined || text === '' || hasText(line, text)
}

/** The lines of a page as messages: those of an attempt that follow each other are one. */
export function linesOfPage(page: readonly LogView[]): LinesOfAttempt[] {
  const messages: (Omit<LinesOfAttempt, 'lines'> & { lines: LogLine[] })[] = []
  for (const { runId, taskId, attempt, instance, ...line } of page) {
    const last = messages.at(-1)
    if (last && last.taskId === taskId && last.attempt === attempt && last.instance === instance) last.lines.push(line)
    else messages.push({ runId, taskId, attempt, instance, lines: [line] })
  }
  return messages
}
