import { checkName, type InstanceView, LIMITS, type Page } from '@carillon/contracts'
import { instanceView } from '../domain/presence.ts'
import type { RegistryParts } from './parts.ts'

/** Live instances by name, as many as one message holds; `next` is then the name of the first that is left out. */
export function listInstances(parts: RegistryParts, namespace: string): Page<InstanceView> {
  checkName('namespace', namespace)
  const items: InstanceView[] = []
  let bytes = 1_000
  for (const seen of parts.roster.list(namespace)) {
    const view = instanceView(seen, parts.time.elapsedMs)
    bytes += Buffer.byteLength(JSON.stringify(view)) + 1
    if (bytes > LIMITS.messageBytes) return { items, next: view.instance }
    items.push(view)
  }
  return { items }
}
