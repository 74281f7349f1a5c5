import type { Slice } from '../slice.ts'

/** Follows the cursors to the end. Throws when there are too many pages. */
export async function allOf<Item>(
  read: (cursor: string | undefined) => Promise<Slice<Item>>,
  between?: () => Promise<void>,
): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < 1_000; pages++) {
    const slice = await read(cursor)
    items.push(...slice.items)
    if (slice.cursor === undefined) return items
    cursor = slice.cursor
    await between?.()
  }
  throw new Error('the list has no end')
}

export const range = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i)
