import { CarillonError, checkName, LIMITS, type LogLine, type LogMessage, parseInstant, readLogMessage } from '@carillon/contracts'
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
/** Or be behind this far, the time for which the stream keeps a line; one from before would be removed for its age at once. */
const BEHIND_MS = 86_400_000
/** Gap markers of messages without lines are numbered below all those of messages with lines. */
const NO_LINES = 2 ** 40
/** Markers of invalid lines are numbered below those. */
const REFUSED_LINES = 2 ** 41

/**
 * The lines to store of one message. Lines that were dropped are shown by a line of their own; its `seq` is that of the first line after
 * the gap, made negative: no line has such a number, no two gaps of an attempt share one, a redelivery makes the same, and at the same
 * time it sorts before the line it precedes. Another marker counts invalid lines.
 * @throws CarillonError INVALID_NAME, INVALID_REQUEST when the message is not one of its subject's run
 */
export function recordsOf(delivery: LogDelivery): LogRecord[] {
  const namespace = checkName('namespace', delivery.namespace)
  const message = readLogMessage(delivery.body)
  checkRun(message, delivery.runId)
  const { runId, taskId, attempt, instance } = message
  const records = message.lines.map((line): LogRecord => {
    const { seq, level, message: text } = line
    const at = timeOf(line, delivery.storedAt)
    return { namespace, runId, taskId, attempt, seq, instance, at, level, message: text, fields: fieldsOf(line) }
  })
  const [first] = records
  const marker = (place: Pick<LogRecord, 'seq' | 'at'>, dropped: number, why: string): LogRecord => ({
    ...{ namespace, runId, taskId, attempt, instance, ...place, level: 'warn' },
    message: `${dropped} ${dropped === 1 ? 'line was' : 'lines were'} dropped: ${why}`,
    fields: JSON.stringify({ dropped }),
  })
  const { dropped = 0, refused, why } = message
  const numbered = delivery.sequence
  if (dropped > 0) {
    const place = { seq: first ? -first.seq : -(NO_LINES + numbered), at: first?.at ?? delivery.storedAt }
    records.unshift(marker(place, dropped, "the executor's buffer was full"))
  }
  if (refused > 0) {
    const place = { seq: -(REFUSED_LINES + numbered), at: records.at(-1)?.at ?? delivery.storedAt }
    records.push(marker(place, refused, why ?? 'not a line'))
  }
  return records
}

/** Permission to write the lines of one run is no permission for another's. */
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
  return at === undefined || at > storedAt + AHEAD_MS || at < storedAt - BEHIND_MS ? storedAt : at
}

function fieldsOf({ fields }: LogLine): string | null {
  if (fields === undefined) return null
  const text = JSON.stringify(fields)
  if (text.length <= LIMITS.logLineBytes) return text
  return JSON.stringify({ omitted: `fields of ${text.length} letters; a line may have ${LIMITS.logLineBytes}` })
}
