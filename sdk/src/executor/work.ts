import { CarillonError, HEADERS, isName, printable, type WorkMessage } from '@carillon/contracts'
import type { Msg } from '@nats-io/transport-node'

/** A task as this process received it. */
export interface ReceivedWork {
  readonly work: WorkMessage
  readonly traceparent: string | undefined
}

/** @throws CarillonError INVALID_JSON, INVALID_REQUEST for what is not a work message */
export function readWork(message: Msg): ReceivedWork {
  let work: WorkMessage
  try {
    work = message.json<WorkMessage>()
  } catch (error) {
    throw new CarillonError('INVALID_JSON', `The body is not JSON: ${(error as Error).message}`, { cause: error })
  }
  if (typeof work !== 'object' || work === null) throw wrong('body', work)
  if (!isName(work.runId)) throw wrong('runId', work.runId)
  if (!isName(work.taskId)) throw wrong('taskId', work.taskId)
  if (!isName(work.handler)) throw wrong('handler', work.handler)
  if (!Number.isSafeInteger(work.attempt) || work.attempt < 1) throw wrong('attempt', work.attempt)
  if (work.timeoutMs !== undefined && !(work.timeoutMs > 0)) throw wrong('timeoutMs', work.timeoutMs)
  return { work, traceparent: message.headers?.get(HEADERS.traceparent) || undefined }
}

function wrong(field: string, value: unknown): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value) })
}

const SHORT_FORM_TOKENS = 9

/**
 * How often the broker has delivered a message, from its acknowledgement subject: `$JS.ACK.<stream>.<consumer>.<delivered>.…`, or with
 * `<domain>.<account>` before the stream.
 */
export function deliveryCount(ackSubject: string): number {
  const tokens = ackSubject.split('.')
  return Number(tokens[tokens.length > SHORT_FORM_TOKENS ? 6 : 4])
}

/** Bodies of acknowledgements. */
export const ACK = { done: '', working: '+WPI', giveBack: '-NAK', remove: '+TERM' } as const
