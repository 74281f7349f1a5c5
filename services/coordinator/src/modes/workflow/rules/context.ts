import type { Edge, Graph } from '@carillon/contracts'

/** What a node has added to the context. */
export interface Addition {
  readonly place: number
  readonly endedAt: number
  /** JSON text of an object. */
  readonly context: string
}

/** Places of all nodes that lead to a node. */
export const ancestorsOf = (graph: Graph, place: number): Set<number> =>
  reachable(place, (at) => edgesAt(graph.into, at).map(({ from }) => from))

/** Places of all nodes that a node leads to. */
export const descendantsOf = (graph: Graph, place: number): Set<number> =>
  reachable(place, (at) => edgesAt(graph.outOf, at).map(({ to }) => to))

const edgesAt = (edges: Graph['into'], place: number) => edges[place] as readonly Edge[]

function reachable(place: number, next: (place: number) => readonly number[]): Set<number> {
  const found = new Set<number>()
  const open = [place]
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const other of next(at))
      if (!found.has(other)) {
        found.add(other)
        open.push(other)
      }
  return found
}

/**
 * The context that several nodes have added up to, key by key: what a node adds replaces what nodes that lead to it have added. Of nodes of which none leads to the
 * other the one that ended later replaces, then the one that stands later in the graph.
 * @param initial what the run began with
 */
export function mergeContext(
  graph: Graph,
  additions: readonly Addition[],
  initial: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const merged = new Map(Object.entries(initial))
  for (const { context } of inOrder(graph, additions))
    for (const [key, value] of Object.entries(JSON.parse(context) as Record<string, unknown>)) merged.set(key, value)
  return Object.fromEntries(merged)
}

/** Each behind those that lead to it, and else by the time of its end. */
function inOrder(graph: Graph, additions: readonly Addition[]): Addition[] {
  const left = new Map(additions.map((addition) => [addition.place, addition]))
  const before = new Map(additions.map(({ place }) => [place, [...ancestorsOf(graph, place)].filter((ancestor) => left.has(ancestor))]))
  const ordered: Addition[] = []
  while (left.size > 0) {
    const free = [...left.values()].filter(({ place }) => before.get(place)?.every((ancestor) => !left.has(ancestor)))
    const next = free.reduce((first, other) =>
      other.endedAt < first.endedAt || (other.endedAt === first.endedAt && other.place < first.place) ? other : first,
    )
    left.delete(next.place)
    ordered.push(next)
  }
  return ordered
}
