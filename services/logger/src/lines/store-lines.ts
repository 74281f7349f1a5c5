import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CarillonError } from '@carillon/contracts'
import { type Incoming, inIsolation } from '@carillon/runtime'
import type { LogRecord } from '@carillon/store'
import type { LoggerParts } from '../parts.ts'
import { recordsOf } from './rules/log-records.ts'

/** Lines in one store write. An embedded store writes on this thread: between two writes others get their turn. */
const LINES_PER_WRITE = 500

interface Understood {
  readonly message: Incoming
  readonly records: LogRecord[]
}

/**
 * Keeps the lines of a batch. A message that cannot be understood or kept is set aside and the rest goes on; a message that comes again
 * changes nothing.
 * @throws what may pass, such as STORE_UNAVAILABLE: the batch has to come again
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

/** Stores messages together; answers which could not be kept. A line that spoils the write costs itself alone. */
async function store(parts: LoggerParts, messages: readonly Understood[]): Promise<{ message: Incoming; error: unknown }[]> {
  const insert = async (some: readonly Understood[]) => {
    await parts.store.logs.insert(some.flatMap(({ records }) => records))
    for (const { message, records } of some) parts.counts.add({ namespace: message.namespace, runId: message.name }, records.length)
    return some.map(() => undefined)
  }
  const failed = (await inIsolation(messages, insert, (entry) => entry)).filter((entry) => entry !== undefined)
  const refused: { message: Incoming; error: unknown }[] = []
  for (const { message, records } of failed) {
    const error = await storeByLine(parts, records)
    if (error) refused.push({ message, error })
  }
  return refused
}

/** A line that cannot be stored is replaced by one that says so. Answers the error, if not even that can be. */
async function storeByLine({ store: { logs } }: LoggerParts, records: readonly LogRecord[]): Promise<CarillonError | undefined> {
  const insert = async (some: readonly LogRecord[]) => {
    await logs.insert(some)
    return some.map((): LogRecord | undefined => undefined)
  }
  const replaced = await inIsolation(records, insert, (line, error) => ({
    ...line,
    level: 'warn' as const,
    message: `1 line was dropped: ${error.message}`,
    fields: null,
  }))
  const markers = replaced.filter((line) => line !== undefined)
  const errors = await inIsolation(
    markers,
    (some) => insert(some).then((done) => done.map((): CarillonError | undefined => undefined)),
    (_, error) => error,
  )
  return errors.find((error) => error !== undefined)
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
