import { HEADERS } from '@carillon/contracts'
import { headers, type MsgHdrs } from '@nats-io/transport-node'

export interface HeaderValues {
  /** Makes a second publish into a stream a no-op for two minutes. */
  readonly messageId?: string | undefined
  readonly traceparent?: string | null | undefined
  /** The process that a message is meant for, by the session under which it has registered. */
  readonly session?: string | undefined
  /** Who calls. */
  readonly by?: string | undefined
  /** The account behind a call that a gateway passes on, as JSON. */
  readonly account?: string | undefined
  /** The run whose node publishes it. */
  readonly run?: string | undefined
}

/** The headers of a message; what has no value is left out. */
export function headersOf({ messageId, traceparent, session, by, account, run }: HeaderValues): { headers?: MsgHdrs } {
  if ([messageId, traceparent ?? undefined, session, by, account, run].every((value) => value === undefined)) return {}
  const head = headers()
  if (messageId !== undefined) head.set(HEADERS.messageId, messageId)
  if (traceparent != null) head.set(HEADERS.traceparent, traceparent)
  if (session !== undefined) head.set(HEADERS.session, session)
  if (by !== undefined) head.set(HEADERS.by, by)
  if (account !== undefined) head.set(HEADERS.account, account)
  if (run !== undefined) head.set(HEADERS.run, run)
  return { headers: head }
}
