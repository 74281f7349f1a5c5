import type { ControllerOf } from '@carillon/runtime'
import type { QueryLogs } from './query-logs.ts'
import type { SearchLogs } from './search-logs.ts'
import type { StoreLines } from './store-lines.ts'

export interface LineCases {
  readonly queryLogs: QueryLogs
  readonly searchLogs: SearchLogs
  readonly storeLines: StoreLines
}

export const linesController = ({ queryLogs, searchLogs, storeLines }: LineCases) =>
  ({
    answers: {
      logsQuery: ({ namespace, input }) => queryLogs.execute(namespace, input),
      logsSearch: ({ namespace, input }) => searchLogs.execute(namespace, input),
    },
    takes: { LOGS: (batch) => storeLines.execute(batch) },
  }) satisfies ControllerOf<'logger'>
