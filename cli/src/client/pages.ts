import type { Page } from '@carillon/contracts'

/** Asks for one page. */
export type Ask<Item> = (cursor: string | undefined) => Promise<Page<Item>>

/** Every page from `cursor` on, one after another. */
export async function* pagesOf<Item>(ask: Ask<Item>, cursor?: string): AsyncGenerator<Page<Item> & { cursor: string | undefined }> {
  for (let at = cursor; ; ) {
    const page = await ask(at)
    yield { ...page, cursor: at }
    if (page.next === undefined) return
    at = page.next
  }
}

/** The first page, or with `all` every one: their items, and whether there are more. */
export async function itemsOf<Item>(ask: Ask<Item>, all: boolean): Promise<{ items: Item[]; more: boolean }> {
  const items: Item[] = []
  for await (const page of pagesOf(ask)) {
    items.push(...page.items)
    if (!all) return { items, more: page.next !== undefined }
  }
  return { items, more: false }
}
