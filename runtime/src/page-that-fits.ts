import { setImmediate as nextTurn } from 'node:timers/promises'
import { LIMITS, type Page } from '@carillon/contracts'

interface Slice<Item> {
  readonly items: readonly Item[]
  readonly cursor?: string
}

let lastTurn: Promise<void> = Promise.resolve()

/** An embedded store reads on this thread: pages that are requested at once are read in turns of the event loop of their own. */
function turnOfItsOwn(): Promise<void> {
  lastTurn = lastTurn.then(() => nextTurn())
  return lastTurn
}

/**
 * A page of records that goes into one message. What would not fit is not read; how large a record is in the end shows only when it is written,
 * so a page that is still too large is read again with less.
 * @param read reads no more than about so many bytes, but one record in any case
 */
export async function pageThatFits<Item, View>(
  read: (maxBytes: number) => Promise<Slice<Item>>,
  viewOf: (items: readonly Item[]) => readonly View[],
): Promise<Page<View>> {
  for (let maxBytes: number = LIMITS.messageBytes; ; maxBytes = Math.floor(maxBytes / 2)) {
    await turnOfItsOwn()
    const slice = await read(maxBytes)
    const page = { items: viewOf(slice.items), ...(slice.cursor === undefined ? {} : { next: slice.cursor }) }
    if (slice.items.length <= 1 || Buffer.byteLength(JSON.stringify(page)) <= LIMITS.messageBytes) return page
  }
}
