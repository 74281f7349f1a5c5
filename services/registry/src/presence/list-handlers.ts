import { isDeepStrictEqual } from 'node:util'
import { checkName, type HandlerView, LIMITS, type Page } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { handlerViews } from './rules/handler-views.ts'

/** What a page of a list has beside its items. */
const PAGE_BYTES = 1_000

/** Handlers that live instances offer, by name, as many as requested and as one message holds; `next` is the last of them when there are more. */
export class ListHandlers {
  readonly #parts: Pick<RegistryParts, 'roster'>

  constructor(parts: Pick<RegistryParts, 'roster'>) {
    this.#parts = parts
  }

  execute(
    namespace: string,
    { handler, cursor, limit }: { handler?: string | undefined; cursor?: string | undefined; limit: number },
  ): Page<HandlerView> {
    checkName('namespace', namespace)
    const offers = this.#parts.roster.list(namespace).map(({ presence }) => presence)
    const views = handlerViews(offers, isDeepStrictEqual).filter(
      ({ name }) => (handler === undefined || name === handler) && (cursor === undefined || name > cursor),
    )
    const items: HandlerView[] = []
    let bytes = PAGE_BYTES
    for (const view of views) {
      bytes += Buffer.byteLength(JSON.stringify(view)) + 1
      const last = items.at(-1)
      if (last && (bytes > LIMITS.messageBytes || items.length === limit)) return { items, next: last.name }
      items.push(view)
    }
    return { items }
  }
}
