import type { HandlerView, Presence } from '@carillon/contracts'

type Offer = Pick<Presence, 'service' | 'handlers'>

interface Collected {
  description?: string
  kind?: NonNullable<HandlerView['kind']>
  instances: number
  readonly services: Set<string>
  readonly schemas: { readonly inputSchema: Record<string, unknown>; readonly services: Set<string> }[]
}

/**
 * What live instances offer, by the name of the handler. Schemas that are the same are listed once: instances of one service repeat theirs.
 * @param isSame compares two schemas
 */
export function handlerViews(offers: Iterable<Offer>, isSame: (one: unknown, other: unknown) => boolean): HandlerView[] {
  const found = new Map<string, Collected>()
  for (const { service, handlers } of offers)
    for (const { name, description, kind, inputSchema } of handlers) {
      const handler: Collected = found.get(name) ?? { instances: 0, services: new Set(), schemas: [] }
      found.set(name, handler)
      handler.instances++
      handler.services.add(service)
      if (description !== undefined) handler.description ??= description
      if (kind !== undefined) handler.kind ??= kind
      if (inputSchema === undefined) continue
      const same = handler.schemas.find((schema) => isSame(schema.inputSchema, inputSchema))
      if (same) same.services.add(service)
      else handler.schemas.push({ inputSchema, services: new Set([service]) })
    }
  return [...found]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { services, schemas, ...handler }]) => ({
      name,
      ...handler,
      services: [...services].sort(),
      schemas: schemas.map((schema) => ({ inputSchema: schema.inputSchema, services: [...schema.services].sort() })),
    }))
}
