import { CarillonError, printable } from '@carillon/contracts'

/** The kinds of messages of a stream, in the field `event`. */
export type FrameEvent = 'hello' | 'change' | 'log' | 'resync' | 'end'

// biome-ignore lint/suspicious/noControlCharactersInRegex: what ends a line of a stream, and what may not be part of an id
const BREAKS = /[\u0000\r\n]/

/**
 * One server-sent event. The fields are lines, so a line break in one of them would forge another: data is JSON, whose text has none, and
 * an id or event that has one is a fault.
 * @throws CarillonError INTERNAL
 */
export function frameOf({ id, event, data }: { id?: string | undefined; event: FrameEvent; data: object }): Buffer {
  const text = JSON.stringify(data)
  return Buffer.from(`${id === undefined ? '' : `id: ${oneLine(id)}\n`}event: ${oneLine(event)}\ndata: ${oneLine(text)}\n\n`)
}

function oneLine(text: string): string {
  if (!BREAKS.test(text)) return text
  throw new CarillonError('INTERNAL', `a field of a stream has a line break: ${printable(text)}`)
}

/** Asks the client to wait so long before it connects again, if the connection ends. */
export const retryFrame = (ms: number): Buffer => Buffer.from(`retry: ${Math.round(ms)}\n\n`)

/** A comment: shows client and proxies that the connection lives. */
export const HEARTBEAT = Buffer.from(': heartbeat\n\n')

/** The id of an event in the stream of a gateway. */
export const eventId = (gatewayId: string, seq: number): string => `${gatewayId}-${seq}`

/** The number of an event of this gateway; undefined: it is of another one, or no id at all. */
export function seqOf(id: unknown, gatewayId: string): number | undefined {
  if (typeof id !== 'string' || !id.startsWith(`${gatewayId}-`)) return undefined
  const digits = id.slice(gatewayId.length + 1)
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined
}

/** The last event of a stream: the client connects again, but where it is said that nothing comes any more. */
export const endFrame = (reason: string): Buffer => frameOf({ event: 'end', data: { reason } })
