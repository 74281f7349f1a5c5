/** The limits of one command: engines accept 48 MB and 100,000 items, but other commands wait for it. */
const MAX_ITEMS = 500
const MAX_BYTES = 16 * 1024 * 1024
/** Engines end a reply before the document with which it would have more than 16 MB. No record has half of that. */
const REPLY_BYTES = 8 * 1024 * 1024

/** Cuts a bulk into commands of a size that every engine takes. */
export function batchesOf<Item>(items: readonly Item[]): Item[][] {
  const batches: Item[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const item of items) {
    const more = weight(item)
    const last = batches.at(-1)
    if (last !== undefined && last.length < MAX_ITEMS && bytes + more <= MAX_BYTES) {
      last.push(item)
      bytes += more
    } else {
      batches.push([item])
      bytes = more
    }
  }
  return batches
}

/** Whether documents may have as many bytes as a reply may hold. */
export function isLarge(documents: readonly object[]): boolean {
  let bytes = 0
  return documents.some((document) => {
    bytes += weight(document)
    return bytes > REPLY_BYTES
  })
}

/** Bytes as BSON, at most: a letter takes up to three, a field of any other kind is small. */
export function weight(value: unknown): number {
  if (typeof value === 'string') return 32 + value.length * 3
  if (typeof value !== 'object' || value === null) return 32
  let sum = 32
  for (const key in value) sum += weight((value as Record<string, unknown>)[key])
  return sum
}
