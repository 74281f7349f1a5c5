import { LIMITS } from '@carillon/contracts'
import type { Slice } from '@carillon/store'

/** Room for the fields beside the JSON that users gave. */
const OVERHEAD_BYTES = 1_500
const BYTES_PER_LETTER = 3

/** A page of records that goes into one message: a page that is too large is read again with half the entries. */
export async function pageThatFits<Item>(
  limit: number,
  read: (limit: number) => Promise<Slice<Item>>,
  lettersOf: (item: Item) => number,
): Promise<Slice<Item>> {
  const slice = await read(limit)
  const bytes = slice.items.reduce((sum, item) => sum + OVERHEAD_BYTES + lettersOf(item) * BYTES_PER_LETTER, 0)
  if (bytes < LIMITS.messageBytes || slice.items.length <= 1) return slice
  return pageThatFits(Math.ceil(slice.items.length / 2), read, lettersOf)
}
