import type { Page } from '@carillon/contracts'

/** Which part of a list is requested. */
export interface ListQuery {
  /** The `next` of the page before. Default: the first page. */
  readonly cursor?: string | undefined
  /** Items of a page, 1 to 1,000. A page whose items are large holds fewer. */
  readonly limit?: number | undefined
}

/**
 * A list: awaited it is one page; iterated it is every item from there on. The following page is read when the one before it is used up, so that
 * a list of any length takes the memory of one page.
 *
 * ```ts
 * const { items, next } = await client.runs.list({ limit: 20 })
 * for await (const run of client.runs.list({ state: 'failed' })) console.log(run.runId)
 * ```
 */
export interface List<Item> extends Promise<Page<Item>>, AsyncIterable<Item> {}

/** @param read requests one page */
export function listOf<Query extends ListQuery, Item>(query: Query, read: (query: Query) => Promise<Page<Item>>): List<Item> {
  const first = read(query)
  const iterate = async function* (): AsyncGenerator<Item, void> {
    for (let page = await first; ; page = await read({ ...query, cursor: page.next })) {
      yield* page.items
      if (page.next === undefined) return
    }
  }
  return Object.assign(first, { [Symbol.asyncIterator]: iterate })
}
