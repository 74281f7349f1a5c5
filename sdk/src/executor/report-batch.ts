/** A report that waits to be sent. */
export interface QueuedReport {
  readonly text: string
  readonly onStored: (() => void) | undefined
}

/** Reports of one message; far below the limit of the wire, so that a burst is applied piece by piece. */
const MOST_REPORTS = 200
const BYTES_PER_UNIT = 3

/** Where the message that begins at `from` ends: at the limits of count and bytes, but never empty. */
export function batchEnd(queue: readonly QueuedReport[], from: number, maxBytes: number): number {
  let bytes = 2
  let to = from
  for (; to < queue.length && to - from < MOST_REPORTS; to++) {
    const { text } = queue[to] as QueuedReport
    bytes += 1 + (text.length * BYTES_PER_UNIT < SMALL_BYTES ? text.length * BYTES_PER_UNIT : Buffer.byteLength(text))
    if (to > from && bytes > maxBytes) break
  }
  return to
}

/** Below this the upper bound of the size is good enough: 200 such reports fit a message in any case. */
const SMALL_BYTES = 2_048
