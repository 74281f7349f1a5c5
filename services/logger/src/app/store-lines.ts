import { setImmediate as nextTurn } from 'node:timers/promises'
import { CarillonError, type ErrorCode } from '@carillon/contracts'
import type { Incoming } from '@carillon/runtime'
import type { LogRecord } from '@carillon/store'
import { recordsOf } from '../domain/log-records.ts'
import type { LoggerParts } from './parts.ts'

/** Lines in one store write. An embedded store writes on this thread: between two writes others get their turn. */
const LINES_PER_WRITE = 500
/** The store cannot write now; the messages come again. Anything else is the fault of a line. */
const STORE_IS_AT_FAULT: ReadonlySet<ErrorCode> = new Set(['STORE_UNAVAILABLE', 'STORE_READ_ONLY', 'STORE_FULL'])

interface Understood {
  readonly message: Incoming
  readonly records: LogRecord[]
}

/**
 * Keeps the lines of a batch. A message that cannot be understood or kept is set aside and the rest goes on; a message that comes again
 * changes nothing.
 * @throws CarillonError STORE_UNAVAILABLE, STORE_READ_ONLY, STORE_FULL: the batch has to come again
 */
export async function storeLines(parts: LoggerParts, batch: readonly Incoming[]): Promise<void> {
  const understood: Understood[] = []
  const refused: { message: Incoming; error: unknown }[] = []
  for (const message of batch) {
    try {
      understood.push({ message, records: recordsOf({ ...message, runId: message.name }) })
    } catch (error) {
      refused.push({ message, error })
    }
  }
  for (const part of portions(understood)) {
    refused.push(...(await store(parts, part)))
    await nextTurn()
  }
  // Only now: were the batch to come again, they would be set aside again.
  for (const { message, error } of refused) setAside(parts, message, error)
}

/** Stores messages together or, if one of them spoils the write, each by itself; answers which could not be kept. */
async function store(parts: LoggerParts, messages: readonly Understood[]): Promise<{ message: Incoming; error: unknown }[]> {
  try {
    await parts.store.logs.insert(messages.flatMap((entry) => entry.records))
    for (const { message, records } of messages) parts.counts.add({ namespace: message.namespace, runId: message.name }, records.length)
    return []
  } catch (error) {
    const [first, ...others] = messages
    if (first === undefined || STORE_IS_AT_FAULT.has(CarillonError.from(error).code)) throw error
    if (others.length === 0) return [{ message: first.message, error }]
    const refused = []
    for (const entry of messages) refused.push(...(await store(parts, [entry])))
    return refused
  }
}

function portions(messages: readonly Understood[]): Understood[][] {
  const all: Understood[][] = []
  let lines = LINES_PER_WRITE
  for (const entry of messages) {
    if (lines >= LINES_PER_WRITE) {
      all.push([])
      lines = 0
    }
    all.at(-1)?.push(entry)
    lines += entry.records.length
  }
  return all
}

function setAside(parts: LoggerParts, message: Incoming, error: unknown): void {
  const text = JSON.stringify(message.body)
  parts.rejected.setAside({ subject: message.subject, text, error, stream: 'LOGS', now: parts.clock.now() })
}
