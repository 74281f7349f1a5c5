import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CarillonError } from '@carillon/contracts'
import { type Incoming, inIsolation } from '@carillon/runtime'
import type { LogRecord } from '@carillon/store'
import type { LoggerParts } from '../parts.ts'
import { recordsOf } from './rules/log-records.ts'

/** Lines in one store write. An embedded store writes on this thread: other work runs between two writes. */
const LINES_PER_WRITE = 500

interface Refused {
  readonly message: Incoming
  readonly error: unknown
}

interface Understood {
  readonly message: Incoming
  readonly records: LogRecord[]
}

type Parts = Pick<LoggerParts, 'store' | 'counts' | 'rejected' | 'clock'>

/** Stores the lines of a batch. A message that cannot be parsed or stored is rejected, the others are not affected; a redelivered message changes nothing. */
export class StoreLines {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws a transient error, such as STORE_UNAVAILABLE: the batch is redelivered */
  async execute(batch: readonly Incoming[]): Promise<void> {
    const understood: Understood[] = []
    const refused: Refused[] = []
    for (const message of batch) {
      try {
        understood.push({ message, records: recordsOf({ ...message, runId: message.name }) })
      } catch (error) {
        refused.push({ message, error })
      }
    }
    for (const part of portions(understood)) {
      refused.push(...(await this.#store(part)))
      await nextTurn()
    }
    // Only now: if the batch were redelivered, they would be rejected again.
    for (const { message, error } of refused) this.#reject(message, error)
  }

  /** Stores messages together; answers which could not be stored. A bad line does not affect the others. */
  async #store(messages: readonly Understood[]): Promise<Refused[]> {
    const { store, counts } = this.#parts
    const insert = async (some: readonly Understood[]) => {
      await store.logs.insert(some.flatMap(({ records }) => records))
      for (const { message, records } of some) counts.add({ namespace: message.namespace, runId: message.name }, records.length)
      return some.map(() => undefined)
    }
    const failed = (await inIsolation(messages, insert, (entry) => entry)).filter((entry) => entry !== undefined)
    const refused: Refused[] = []
    for (const { message, records } of failed) {
      const error = await this.#storeByLine(records)
      if (error) refused.push({ message, error })
    }
    return refused
  }

  /** A line that cannot be stored is replaced by a marker. Answers the error if the marker cannot be stored either. */
  async #storeByLine(records: readonly LogRecord[]): Promise<CarillonError | undefined> {
    const insert = async (some: readonly LogRecord[]) => {
      await this.#parts.store.logs.insert(some)
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

  #reject(message: Incoming, error: unknown): void {
    const { rejected, clock } = this.#parts
    rejected.reject({ subject: message.subject, text: JSON.stringify(message.body), error, stream: 'LOGS', now: clock.now() })
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
