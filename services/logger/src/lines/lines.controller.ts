import type { ControllerOf } from '@carillon/runtime'
import type { QueryLogs } from './query-logs.ts'
import type { StoreLines } from './store-lines.ts'

export const linesController = ({ queryLogs, storeLines }: { readonly queryLogs: QueryLogs; readonly storeLines: StoreLines }) =>
  ({
    answers: { logsQuery: ({ namespace, input }) => queryLogs.execute(namespace, input) },
    takes: { LOGS: (batch) => storeLines.execute(batch) },
  }) satisfies ControllerOf<'logger'>
