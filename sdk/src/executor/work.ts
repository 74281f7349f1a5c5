import { CarillonError, isName, printable, TASK_ID, takesProgram, type WorkMessage } from '@carillon/contracts'
import type { Msg } from '@nats-io/transport-node'
import type { Warning } from '../warning.ts'
import type { OfferedHandler } from './handler.ts'

/** @throws CarillonError INVALID_JSON, INVALID_REQUEST for what is not a work message */
export function readWork(message: Msg): WorkMessage {
  let work: unknown
  try {
    work = message.json()
  } catch (error) {
    throw new CarillonError('INVALID_JSON', `The body is not JSON: ${(error as Error).message}`, { cause: error })
  }
  return checkWork(work)
}

/** @throws CarillonError INVALID_REQUEST for what is not the body of a work message */
export function checkWork(body: unknown): WorkMessage {
  const work = body as WorkMessage
  if (typeof work !== 'object' || work === null) throw wrong('body', work)
  if (!isName(work.runId)) throw wrong('runId', work.runId)
  if (typeof work.taskId !== 'string' || !TASK_ID.test(work.taskId)) throw wrong('taskId', work.taskId)
  if (!isName(work.handler)) throw wrong('handler', work.handler)
  if (!Number.isSafeInteger(work.attempt) || work.attempt < 1) throw wrong('attempt', work.attempt)
  if (work.timeoutMs !== undefined && !(work.timeoutMs > 0)) throw wrong('timeoutMs', work.timeoutMs)
  return work
}

/** The id of the task that a body is about, if that can be read. */
export function taskIdOf(body: unknown): string | undefined {
  const taskId = (body as Partial<WorkMessage> | null)?.taskId
  return typeof taskId === 'string' && TASK_ID.test(taskId) ? taskId : undefined
}

/** Whether the program of a handler goes on with what has stored steps. */
export const mayRun = (handler: OfferedHandler, { program }: WorkMessage): boolean =>
  program === undefined || takesProgram(handler, program)

export const notUnderstood = ({ subject }: Pick<Msg, 'subject'>, error: unknown): Warning => ({
  code: 'work-not-understood',
  message: `A message on ${subject} was rejected: ${CarillonError.from(error).message}`,
})

function wrong(field: string, value: unknown): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value) })
}

/** The metadata of a delivery, from its acknowledgement subject. */
export interface Delivery {
  /** How often the message has been delivered; a restarted broker may count again from 1. */
  readonly count: number
  /** Of the message, in its stream. */
  readonly sequence: number
}

const SHORT_FORM_TOKENS = 9

/** Reads `$JS.ACK.<stream>.<consumer>.<count>.<sequence>.…`; there may be `<domain>.<account>` before the stream. */
export function readDelivery(ackSubject: string): Delivery {
  const dots: number[] = []
  for (let at = ackSubject.indexOf('.'); at >= 0; at = ackSubject.indexOf('.', at + 1)) dots.push(at)
  const before = dots.length >= SHORT_FORM_TOKENS ? 5 : 3
  const number = (token: number) => Number(ackSubject.slice((dots[token] ?? 0) + 1, dots[token + 1]))
  return { count: number(before), sequence: number(before + 1) }
}

/** Whether two deliveries are of one message: its place in the stream and the time when it was stored are the same. */
export function isSameMessage(ackSubject: string, other: string): boolean {
  return messageOf(ackSubject) === messageOf(other)
}

function messageOf(ackSubject: string): string {
  const tokens = ackSubject.split('.')
  const count = tokens.length > SHORT_FORM_TOKENS ? 6 : 4
  return `${tokens[count + 1]} ${tokens[count + 3]}`
}

/** Bodies of acknowledgements. */
export const ACK = { done: '', working: '+WPI', giveBack: '-NAK', remove: '+TERM' } as const
export type AckBody = (typeof ACK)[keyof typeof ACK]
