import { type CALLS, type CallRequest, checkName, type LogView, type Page } from '@carillon/contracts'
import { pageThatFits } from '@carillon/runtime'
import type { LoggerParts } from '../parts.ts'
import { levelsFrom, logView } from './rules/log-view.ts'

type LogsQuery = CallRequest<typeof CALLS.logsQuery>

/**
 * Lines of a run, a page at a time. A page holds no more than one message can carry, so it may be shorter than asked for, and empty where few of
 * many lines pass the filter; `next` leads on.
 * An unknown run has no lines.
 * @throws CarillonError INVALID_NAME, INVALID_REQUEST (cursor), STORE_UNAVAILABLE
 */
export async function queryLogs(parts: LoggerParts, namespace: string, query: LogsQuery): Promise<Page<LogView>> {
  checkName('namespace', namespace)
  const { runId, taskId, order, cursor, limit, level, text } = query
  const levels = level === undefined || level === 'debug' ? undefined : levelsFrom(level)
  const filter = { levels, text: text === '' ? undefined : text }
  return pageThatFits(
    (maxBytes) => parts.store.logs.query({ namespace, runId, taskId, order, cursor, limit, maxBytes, ...filter }),
    (lines) => lines.map(logView),
  )
}
