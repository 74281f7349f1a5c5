import { call } from './call.ts'
import { linesFoundSchema, searchLogsSchema } from './log.ts'
import { bulkRunsSchema, countRunsSchema, listRunsSchema, runsBulkSchema, runsCountedSchema, runsListedSchema } from './run-search.ts'

/** The calls that find many runs or lines, and change many runs. */
export const SEARCH_CALLS = {
  runsList: call('coordinator', 'runs.list', {
    input: listRunsSchema,
    repeatable: 'always',
    answer: runsListedSchema,
    description: 'Runs that pass filters, newest first or oldest first',
  }),
  runsCount: call('coordinator', 'runs.count', {
    input: countRunsSchema,
    repeatable: 'always',
    answer: runsCountedSchema,
    description: 'How many runs pass filters, up to 10,000',
  }),
  runsBulk: call('coordinator', 'runs.bulk', {
    input: bulkRunsSchema,
    repeatable: 'always',
    answer: runsBulkSchema,
    description: 'Cancel, retry, pause or resume all runs that pass filters, or these, for some seconds; `next` leads to the rest',
    deadlineMs: 10_000,
  }),
  logsSearch: call('logger', 'logs.search', {
    input: searchLogsSchema,
    repeatable: 'always',
    answer: linesFoundSchema,
    description: 'Log lines of all runs, newest first; it searches for a limited time, and `next` goes on',
  }),
} as const
