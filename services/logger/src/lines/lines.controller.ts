import type { ControllerOf } from '@carillon/runtime'
import type { LoggerParts } from '../parts.ts'
import { queryLogs } from './query-logs.ts'
import { storeLines } from './store-lines.ts'

export const linesController = (parts: LoggerParts) =>
  ({
    answers: { logsQuery: ({ namespace, input }) => queryLogs(parts, namespace, input) },
    takes: { LOGS: (batch) => storeLines(parts, batch) },
  }) satisfies ControllerOf<'logger'>
