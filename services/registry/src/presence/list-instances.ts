import { checkName, type InstanceView, LIMITS, type Page } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { instanceView } from './rules/seen.ts'

/** Live instances by id, as many as asked for and as one message holds; `next` is the last of them when there are more. */
export class ListInstances {
  readonly #parts: Pick<RegistryParts, 'roster' | 'time'>

  constructor(parts: Pick<RegistryParts, 'roster' | 'time'>) {
    this.#parts = parts
  }

  execute(namespace: string, page: { cursor?: string | undefined; limit: number }): Page<InstanceView> {
    const { roster, time } = this.#parts
    checkName('namespace', namespace)
    const items: InstanceView[] = []
    let bytes = 1_000
    for (const seen of roster.list(namespace)) {
      const view = instanceView(seen, time.elapsedMs)
      if (page.cursor !== undefined && view.instance <= page.cursor) continue
      bytes += Buffer.byteLength(JSON.stringify(view)) + 1
      const last = items.at(-1)
      if (last && (bytes > LIMITS.messageBytes || items.length === page.limit)) return { items, next: last.instance }
      items.push(view)
    }
    return { items }
  }
}
