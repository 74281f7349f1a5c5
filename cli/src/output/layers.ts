/** What comes after what. */
export interface LayeredNode {
  readonly id: string
  readonly after: readonly string[]
}

/** Nodes by the longest way that leads to them; within a layer each is near those that it comes after. @param nodes without circles */
export function layersOf<Node extends LayeredNode>(nodes: readonly Node[]): Node[][] {
  const layers: Node[][] = []
  const depths = depthsOf(nodes)
  for (const node of nodes) {
    const depth = depths.get(node.id) ?? 0
    layers[depth] ??= []
    layers[depth].push(node)
  }
  const places = new Map<string, number>()
  return layers.map((layer) => {
    const ordered = layer
      .map((node, i) => ({ node, at: middleOf(node, places) ?? i }))
      .toSorted((one, other) => one.at - other.at)
      .map(({ node }) => node)
    for (const [i, { id }] of ordered.entries()) places.set(id, i)
    return ordered
  })
}

/** Without recursion: a chain may have 1,000 nodes. */
function depthsOf(nodes: readonly LayeredNode[]): Map<string, number> {
  const depths = new Map<string, number>()
  const behind = new Map<string, string[]>()
  const open = new Map(nodes.map(({ id, after }) => [id, after.length]))
  for (const { id, after } of nodes) for (const before of after) behind.set(before, [...(behind.get(before) ?? []), id])
  const free = nodes.flatMap(({ id, after }) => (after.length === 0 ? [id] : []))
  for (const id of free) {
    const depth = depths.get(id) ?? 0
    depths.set(id, depth)
    for (const next of behind.get(id) ?? []) {
      depths.set(next, Math.max(depths.get(next) ?? 0, depth + 1))
      open.set(next, (open.get(next) ?? 0) - 1)
      if (open.get(next) === 0) free.push(next)
    }
  }
  return depths
}

function middleOf({ after }: LayeredNode, places: ReadonlyMap<string, number>): number | undefined {
  const known = after.flatMap((id) => places.get(id) ?? [])
  return known.length === 0 ? undefined : known.reduce((sum, place) => sum + place, 0) / known.length
}
