import { LOG_LEVELS, type LogLevel } from '@carillon/contracts'
import type { Input } from '../../api/call-request.ts'
import { oneOf, textOf } from '../../url/search.ts'
import { RUN_RANGES, type RunRange, sinceOf } from '../runs/runs-search.ts'

/** Filters that are a text in the URL and in the call. */
export const TEXTS = ['text', 'job', 'instance'] as const

/** The search of the page of logs: all of it is in the URL. */
export interface LogsSearch extends Partial<Record<(typeof TEXTS)[number], string | undefined>> {
  readonly level?: LogLevel | undefined
  readonly range?: RunRange | undefined
}

export function readLogsSearch(search: Readonly<Record<string, unknown>>): LogsSearch {
  return {
    ...Object.fromEntries(TEXTS.map((name) => [name, textOf(search, name)])),
    level: oneOf(search, 'level', LOG_LEVELS),
    range: oneOf(search, 'range', RUN_RANGES),
  }
}

/** The filters as the logger takes them: of `debug` there is nothing below. */
export function linesFilter({ level, range, ...texts }: LogsSearch, now: number): Input<'logsSearch'> {
  return {
    ...Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)),
    ...(level === undefined || level === 'debug' ? {} : { level }),
    ...(range === undefined ? {} : { since: sinceOf(range, now) }),
  }
}
