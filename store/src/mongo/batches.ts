/** The limits of one command: engines accept 48 MB and 100,000 items, but other commands wait for it. */
const MAX_ITEMS = 500
const MAX_BYTES = 16 * 1024 * 1024
/** Engines end a reply before the document with which it would have more than 16 MB. No record has half of that. */
const REPLY_BYTES = 8 * 1024 * 1024

/** Cuts a bulk into commands of a size that every engine takes. */
export function batchesOf<Item extends { readonly bytes: number }>(items: readonly Item[]): Item[][] {
  const batches: Item[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const item of items) {
    const last = batches.at(-1)
    if (last !== undefined && last.length < MAX_ITEMS && bytes + item.bytes <= MAX_BYTES) {
      last.push(item)
      bytes += item.bytes
    } else {
      batches.push([item])
      bytes = item.bytes
    }
  }
  return batches
}

/** Whether documents may have as many bytes as a reply may hold. */
export function isLarge(documents: readonly Readonly<Record<string, unknown>>[]): boolean {
  let bytes = 0
  return documents.some((document) => {
    for (const field in document) bytes += weight(document[field])
    return bytes > REPLY_BYTES
  })
}

/** Bytes of a field as BSON, at most: a letter takes up to three. */
export const weight = (value: unknown): number => 32 + (typeof value === 'string' ? value.length * 3 : 0)
