import {
  CarillonError,
  checkName,
  LIMITS,
  type LogLine,
  type LogMessage,
  logMessageSchema,
  parseInput,
  parseInstant,
} from '@carillon/contracts'
import type { LogRecord } from '@carillon/store'

/** A message of stream LOGS, as far as a line depends on it. Times are milliseconds since 1970. */
export interface LogDelivery {
  readonly namespace: string
  /** The subject's token. */
  readonly runId: string
  readonly body: unknown
  readonly sequence: number
  readonly storedAt: number
}

/** An executor's clock may run ahead this far; a line from later than that would outlive its retention. */
const AHEAD_MS = 300_000
/** Gap markers of messages without lines are numbered below all those of messages with lines. */
const NO_LINES = 2 ** 40

/**
 * The lines to store of one message. Lines that were dropped are shown by a line of their own; its `seq` is that of the first line after
 * the gap, made negative: no line has such a number, no two gaps of an attempt share one, a redelivery makes the same, and at the same
 * time it sorts before the line it precedes.
 * @throws CarillonError INVALID_NAME, INVALID_REQUEST when the message is not one of its subject's run
 */
export function recordsOf(delivery: LogDelivery): LogRecord[] {
  const namespace = checkName('namespace', delivery.namespace)
  const message = parseInput(logMessageSchema, delivery.body, 'log message')
  checkRun(message, delivery.runId)
  const { runId, taskId, attempt, instance } = message
  const records = message.lines.map((line): LogRecord => {
    const { seq, level, message: text } = line
    const at = timeOf(line, delivery.storedAt)
    return { namespace, runId, taskId, attempt, seq, instance, at, level, message: text, fields: fieldsOf(line) }
  })
  const dropped = message.dropped ?? 0
  if (dropped === 0) return records
  const [first] = records
  const marker: LogRecord = {
    ...{ namespace, runId, taskId, attempt, instance },
    seq: first ? -first.seq : -(NO_LINES + delivery.sequence),
    at: first?.at ?? delivery.storedAt,
    level: 'warn',
    message: `${dropped} ${dropped === 1 ? 'line was' : 'lines were'} dropped: the executor's buffer was full`,
    fields: JSON.stringify({ dropped }),
  }
  return [marker, ...records]
}

/** Whoever may write one run's lines must not write another's. */
function checkRun({ runId, taskId }: LogMessage, expected: string): void {
  if (runId !== expected) {
    throw new CarillonError('INVALID_REQUEST', `runId ${runId} is not the one of the subject, ${expected}`, {
      field: 'runId',
      value: runId,
    })
  }
  if (taskId !== runId && !taskId.startsWith(`${runId}-`)) {
    throw new CarillonError('INVALID_REQUEST', `taskId ${taskId} is not a task of run ${runId}`, { field: 'taskId', value: taskId })
  }
}

function timeOf(line: LogLine, storedAt: number): number {
  const at = parseInstant(line.at)
  return at === undefined || at > storedAt + AHEAD_MS ? storedAt : at
}

function fieldsOf({ fields }: LogLine): string | null {
  if (fields === undefined) return null
  const text = JSON.stringify(fields)
  if (text.length <= LIMITS.logLineBytes) return text
  return JSON.stringify({ omitted: `fields of ${text.length} letters; a line may have ${LIMITS.logLineBytes}` })
}
