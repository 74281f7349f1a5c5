import type { Presence } from '@carillon/contracts'

type Offer = Pick<Presence, 'service' | 'handlers'>

/**
 * Handlers that several services offer with different input schemas, and those services: a payload that one accepts, another refuses. Instances of one
 * service may differ while a new version of it is rolled out, and an offer without a schema never conflicts.
 */
export function schemaConflicts(offers: Iterable<Offer>, isSame: (one: unknown, other: unknown) => boolean): Map<string, string[]> {
  const schemas = new Map<string, Map<string, unknown>>()
  for (const { service, handlers } of offers)
    for (const { name, inputSchema } of handlers) {
      if (inputSchema === undefined) continue
      const byService = schemas.get(name) ?? new Map<string, unknown>()
      schemas.set(name, byService)
      if (!byService.has(service)) byService.set(service, inputSchema)
    }
  const conflicts = new Map<string, string[]>()
  for (const [handler, byService] of schemas) {
    const [first, ...others] = byService.values()
    if (others.some((other) => !isSame(first, other))) conflicts.set(handler, [...byService.keys()].sort())
  }
  return conflicts
}
