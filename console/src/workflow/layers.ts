/** What comes after what. */
export interface LayeredNode {
  readonly id: string
  readonly after: readonly string[]
}

/** Nodes by the longest way that leads to them; within a layer each is near those that it comes after. What is on a circle, as drawn for a moment, is in a last layer. */
export function layersOf<Node extends LayeredNode>(nodes: readonly Node[]): Node[][] {
  const layers: Node[][] = []
  const { depths, deepest } = depthsOf(nodes)
  for (const node of nodes) {
    const depth = depths.get(node.id) ?? deepest + 1
    layers[depth] ??= []
    layers[depth].push(node)
  }
  const places = new Map<string, number>()
  return layers
    .filter((layer) => layer !== undefined)
    .map((layer) => {
      const ordered = layer
        .map((node, i) => ({ node, at: middleOf(node, places) ?? i }))
        .toSorted((one, other) => one.at - other.at)
        .map(({ node }) => node)
      for (const [i, { id }] of ordered.entries()) places.set(id, i)
      return ordered
    })
}

/** Without recursion: a chain may have 1,000 nodes. */
function depthsOf(nodes: readonly LayeredNode[]): { readonly depths: ReadonlyMap<string, number>; readonly deepest: number } {
  const ids = new Set(nodes.map(({ id }) => id))
  const behind = new Map<string, string[]>()
  const open = new Map<string, number>()
  for (const { id, after } of nodes) {
    const known = after.filter((before) => ids.has(before))
    open.set(id, known.length)
    for (const before of known) behind.set(before, [...(behind.get(before) ?? []), id])
  }
  const reached = new Map<string, number>()
  const depths = new Map<string, number>()
  const free = nodes.flatMap(({ id }) => (open.get(id) === 0 ? [id] : []))
  for (const id of free) {
    const depth = reached.get(id) ?? 0
    depths.set(id, depth)
    for (const next of behind.get(id) ?? []) {
      reached.set(next, Math.max(reached.get(next) ?? 0, depth + 1))
      open.set(next, (open.get(next) ?? 0) - 1)
      if (open.get(next) === 0) free.push(next)
    }
  }
  return { depths, deepest: Math.max(-1, ...depths.values()) }
}

function middleOf({ after }: LayeredNode, places: ReadonlyMap<string, number>): number | undefined {
  const known = after.flatMap((id) => places.get(id) ?? [])
  return known.length === 0 ? undefined : known.reduce((sum, place) => sum + place, 0) / known.length
}
