import type { Page } from '@carillon/contracts'

/** Requests one page. */
export type Ask<Item> = (cursor: string | undefined) => Promise<Page<Item>>

/** Every page from `cursor` on, each requested when the one before it was used. */
export async function* pagesOf<Item>(ask: Ask<Item>, cursor?: string): AsyncGenerator<Page<Item> & { cursor: string | undefined }> {
  for (let at = cursor; ; ) {
    const page = await ask(at)
    yield { ...page, cursor: at }
    if (page.next === undefined) return
    at = page.next
  }
}

/** The items of every page. */
export async function itemsOf<Item>(ask: Ask<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const page of pagesOf(ask)) items.push(...page.items)
  return items
}
