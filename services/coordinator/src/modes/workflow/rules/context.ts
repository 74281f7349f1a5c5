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

/**
 * Each behind those that lead to it, and else by the time of its end. Nodes that have added nothing are passed as soon as all before them are, so one pass over the edges
 * does it, however many have added something.
 */
function inOrder(graph: Graph, additions: readonly Addition[]): Addition[] {
  const added = new Map(additions.map((addition) => [addition.place, addition]))
  const open = graph.into.map((edges) => edges.length)
  const free = open.flatMap((count, place) => (count === 0 ? [place] : []))
  const [waiting, ordered]: [Addition[], Addition[]] = [[], []]
  const pass = (place: number) => {
    for (const { to } of edgesAt(graph.outOf, place)) {
      open[to] = (open[to] as number) - 1
      if (open[to] === 0) free.push(to)
    }
  }
  for (;;) {
    for (let place = free.pop(); place !== undefined; place = free.pop()) {
      const addition = added.get(place)
      if (addition) waiting.push(addition)
      else pass(place)
    }
    if (waiting.length === 0) return ordered
    const next = waiting.reduce((first, other) => (isBefore(other, first) ? other : first))
    waiting.splice(waiting.indexOf(next), 1)
    ordered.push(next)
    pass(next.place)
  }
}

const isBefore = (one: Addition, other: Addition) =>
  one.endedAt < other.endedAt || (one.endedAt === other.endedAt && one.place < other.place)
