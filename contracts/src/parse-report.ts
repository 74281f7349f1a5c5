import { parseInput } from './fields.ts'
import { TASK_ID } from './ids.ts'
import { type FinishedReport, type Report, reportSchema } from './messages.ts'
import { isName } from './names.ts'

type PlainEnd = Pick<FinishedReport, 'type' | 'runId' | 'taskId' | 'attempt' | 'outcome' | 'result' | 'durationMs' | 'logLines'>

const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  ...(['type', 'runId', 'taskId', 'attempt', 'outcome', 'result', 'durationMs', 'logLines'] satisfies (keyof PlainEnd)[]),
])
const OUTCOMES: ReadonlySet<unknown> = new Set(['succeeded', 'failed', 'timed_out', 'cancelled'] satisfies PlainEnd['outcome'][])

/**
 * A report, by its schema. Most reports are the end of a task with no more than its result, and are checked without it: the schema copies each of them, with a
 * record for each field.
 * @throws CarillonError as `parseInput`
 */
export const parseReport = (input: unknown): Report => (isPlainEnd(input) ? input : parseInput(reportSchema, input, 'report'))

function isPlainEnd(input: unknown): input is PlainEnd {
  if (typeof input !== 'object' || input === null || (input as PlainEnd).type !== 'finished') return false
  for (const name in input) if (!PLAIN_FIELDS.has(name) || input[name as keyof typeof input] === undefined) return false
  const { runId, taskId, attempt, outcome, durationMs = 0, logLines = 0 } = input as { readonly [Field in keyof PlainEnd]: unknown }
  return (
    isName(runId) &&
    typeof taskId === 'string' &&
    TASK_ID.test(taskId) &&
    isWhole(attempt, 1) &&
    OUTCOMES.has(outcome) &&
    typeof durationMs === 'number' &&
    durationMs >= 0 &&
    durationMs < Number.POSITIVE_INFINITY &&
    isWhole(logLines, 0)
  )
}

const isWhole = (value: unknown, least: number): value is number => Number.isSafeInteger(value) && (value as number) >= least
