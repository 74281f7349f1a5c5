import { isDeepStrictEqual } from 'node:util'
import { checkName, type InstanceView, LIMITS, type Page } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { presenceKey } from './rules/presence.ts'
import { schemaConflicts } from './rules/schema-conflicts.ts'
import { instanceView, type Seen } from './rules/seen.ts'

/** Live instances by id, as many as requested and as one message holds; `next` is the last of them when there are more. */
export class ListInstances {
  readonly #parts: Pick<RegistryParts, 'roster' | 'cordons' | 'time'>

  constructor(parts: Pick<RegistryParts, 'roster' | 'cordons' | 'time'>) {
    this.#parts = parts
  }

  execute(namespace: string, page: { cursor?: string | undefined; limit: number }): Page<InstanceView> {
    const { roster, cordons, time } = this.#parts
    checkName('namespace', namespace)
    const items: InstanceView[] = []
    let bytes = 1_000
    const live = roster.list(namespace)
    const conflicts = schemaConflicts(
      live.map(({ presence }) => presence),
      isDeepStrictEqual,
    )
    for (const seen of live) {
      const view = {
        ...instanceView(seen, { elapsedMs: time.elapsedMs, cordon: cordons.get(presenceKey(seen.presence)) }),
        ...conflictsOf(seen, conflicts),
      }
      if (page.cursor !== undefined && view.instance <= page.cursor) continue
      bytes += Buffer.byteLength(JSON.stringify(view)) + 1
      const last = items.at(-1)
      if (last && (bytes > LIMITS.messageBytes || items.length === page.limit)) return { items, next: last.instance }
      items.push(view)
    }
    return { items }
  }
}

function conflictsOf({ presence }: Seen, conflicts: ReadonlyMap<string, readonly string[]>): Pick<InstanceView, 'schemaConflicts'> {
  if (conflicts.size === 0) return {}
  const found = presence.handlers.flatMap(({ name, inputSchema }) => {
    const services = inputSchema && conflicts.get(name)
    return services ? [{ handler: name, services }] : []
  })
  return found.length === 0 ? {} : { schemaConflicts: found }
}
