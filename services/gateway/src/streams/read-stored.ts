import { CarillonError } from '@carillon/contracts'
import type { PacedStream } from './paced-stream.ts'
import type { StoredMessage, StoredStream, StreamState } from './stored-stream.ts'

/** After a failed read; the connection to the broker comes back by itself. */
const AGAIN_MS = 1_000

export interface StoredReading {
  readonly paced: PacedStream
  readonly stored: StoredStream
  readonly subject: string
  readonly state: StreamState
  /** The sequence before the first message. */
  readonly position: number
}

export interface StoredReader {
  /** Takes what one read has found, none included, at the pace of the reader of the stream. */
  take(messages: readonly StoredMessage[], state: StreamState): Promise<void>
  /** The broker was wiped: the stream is another one, and is read from its beginning. */
  replaced(state: StreamState): Promise<void>
}

/** Reads a stored stream as it grows, until nobody reads any more. */
export async function readStored({ paced, stored, subject, ...from }: StoredReading, reader: StoredReader): Promise<void> {
  let { state, position } = from
  let emptyReads = 0
  let seen = -1
  let mustCheck = false
  while (!paced.isClosed) {
    try {
      if (paced.takeGap() || mustCheck) {
        const now = await stored.state()
        mustCheck = false
        if (now.epoch !== state.epoch) {
          position = 0
          await reader.replaced(now)
        }
        state = now
      }
      if (paced.hints !== seen) emptyReads = 0
      seen = paced.hints
      const messages = await stored.read(subject, position + 1)
      await reader.take(messages, state)
      position = messages.at(-1)?.seq ?? position
      emptyReads = messages.length > 0 ? 0 : emptyReads + 1
      if (messages.length === 0) await paced.untilHint(seen, emptyReads)
    } catch (error) {
      if (!CarillonError.from(error).retry) throw error
      mustCheck = true
      await paced.wait(AGAIN_MS)
    }
  }
}
