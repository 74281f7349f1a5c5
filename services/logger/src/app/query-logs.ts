import { type CALLS, type CallRequest, checkName, LIMITS, type LogView, type Page } from '@carillon/contracts'
import { levelsFrom, logView } from '../domain/log-view.ts'
import type { LoggerParts } from './parts.ts'

type LogsQuery = CallRequest<typeof CALLS.logsQuery>

/**
 * Lines of a run, a page at a time. A page holds no more than one message can carry, so it may be shorter than asked for; `next` leads on.
 * An unknown run has no lines.
 * @throws CarillonError INVALID_NAME, INVALID_REQUEST (cursor), STORE_UNAVAILABLE
 */
export async function queryLogs(parts: LoggerParts, namespace: string, query: LogsQuery): Promise<Page<LogView>> {
  checkName('namespace', namespace)
  const { runId, taskId, order, cursor, level, text } = query
  for (let limit = query.limit; ; ) {
    const slice = await parts.store.logs.query({
      ...{ namespace, runId, taskId, order, cursor, limit },
      levels: level && levelsFrom(level),
      text: text === '' ? undefined : text,
    })
    const page = { items: slice.items.map(logView), ...(slice.cursor === undefined ? {} : { next: slice.cursor }) }
    const bytes = Buffer.byteLength(JSON.stringify(page))
    if (bytes <= LIMITS.messageBytes || page.items.length <= 1) return page
    limit = Math.max(1, Math.floor((0.8 * page.items.length * LIMITS.messageBytes) / bytes))
  }
}
