import { type CALLS, type CallRequest, checkName, type LogView, type Page } from '@carillon/contracts'
import { pageThatFits } from '@carillon/runtime'
import type { LoggerParts } from '../parts.ts'
import { levelsFrom, logView } from './rules/log-view.ts'

/**
 * Lines of a run, a page at a time. A page holds no more than one message can carry, so it may be shorter than requested, and empty where few of
 * many lines pass the filter; `next` is the cursor of the next page.
 */
export class QueryLogs {
  readonly #store: LoggerParts['store']

  constructor({ store }: Pick<LoggerParts, 'store'>) {
    this.#store = store
  }

  /** An unknown run has no lines. @throws CarillonError INVALID_NAME, INVALID_REQUEST (cursor), STORE_UNAVAILABLE */
  async execute(namespace: string, query: CallRequest<typeof CALLS.logsQuery>): Promise<Page<LogView>> {
    checkName('namespace', namespace)
    const { runId, taskId, order, cursor, limit, level, text } = query
    const levels = level === undefined || level === 'debug' ? undefined : levelsFrom(level)
    const filter = { levels, text: text === '' ? undefined : text }
    return pageThatFits(
      (maxBytes) => this.#store.logs.query({ namespace, runId, taskId, order, cursor, limit, maxBytes, ...filter }),
      (lines) => lines.map(logView),
    )
  }
}
