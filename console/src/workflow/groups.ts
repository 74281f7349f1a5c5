import { type Drawing, type DrawnEdge, type DrawnNode, isOpenState } from './drawing.ts'
import { layersOf } from './layers.ts'

/** Above this a drawing opens with groups: more boxes are no picture. */
export const FOLDED_ABOVE = 60
/** Shorter chains stay as they are. */
const SHORTEST_CHAIN = 3

/** Several nodes as one box. */
export interface NodeGroup {
  /** Of its first member: stays the same while the graph does. */
  readonly id: string
  readonly members: readonly DrawnNode[]
}
export interface FoldedDrawing {
  readonly nodes: readonly DrawnNode[]
  readonly groups: readonly NodeGroup[]
  /** Between nodes and groups. */
  readonly edges: readonly DrawnEdge[]
}

/**
 * A large drawing with groups: chains first, then nodes of the same depth, neither of which can make a circle.
 * What has failed, is under way, or was opened stays a node of its own.
 */
export function folded(drawing: Drawing, opened: ReadonlySet<string>): FoldedDrawing {
  if (drawing.nodes.length <= FOLDED_ABOVE) return { ...drawing, groups: [] }
  const isFree = ({ id, run }: DrawnNode) => opened.has(id) || (run !== undefined && isOpenState(run.state))
  const byChain = chainsOf(drawing, isFree)
  const afterChains = merge(drawing, byChain)
  if (afterChains.nodes.length + afterChains.groups.length <= FOLDED_ABOVE) return afterChains
  return merge(drawing, layerGroups(drawing, byChain, isFree))
}

/** Members of each group by the id of its first node. */
type Groups = ReadonlyMap<string, readonly string[]>

function chainsOf({ nodes, edges }: Drawing, isFree: (node: DrawnNode) => boolean): Groups {
  const [into, outOf] = [new Map<string, string[]>(), new Map<string, string[]>()]
  for (const { from, to } of edges) {
    into.set(to, [...(into.get(to) ?? []), from])
    outOf.set(from, [...(outOf.get(from) ?? []), to])
  }
  const isLink = new Set(
    nodes
      .filter((node) => !isFree(node) && (into.get(node.id)?.length ?? 0) <= 1 && (outOf.get(node.id)?.length ?? 0) <= 1)
      .map(({ id }) => id),
  )
  const groups = new Map<string, string[]>()
  for (const { id } of nodes) {
    const [before] = into.get(id) ?? []
    if (!isLink.has(id) || (before !== undefined && isLink.has(before))) continue
    const chain = [id]
    for (let [next] = outOf.get(id) ?? []; next !== undefined && isLink.has(next) && !chain.includes(next); [next] = outOf.get(next) ?? [])
      chain.push(next)
    if (chain.length >= SHORTEST_CHAIN) groups.set(id, chain)
  }
  return groups
}

/** What stands at the same depth of what the chains have left is one group. */
function layerGroups(drawing: Drawing, chains: Groups, isFree: (node: DrawnNode) => boolean): Groups {
  const { nodes, groups, edges } = merge(drawing, chains)
  const before = new Map<string, string[]>()
  for (const { from, to } of edges) before.set(to, [...(before.get(to) ?? []), from])
  const free = new Set(nodes.filter(isFree).map(({ id }) => id))
  const boxes = [...nodes.map(({ id }) => id), ...groups.map(({ id }) => id)]
  const layers = layersOf(boxes.map((id) => ({ id, after: before.get(id) ?? [] })))
  const all = new Map<string, readonly string[]>()
  for (const layer of layers) {
    const members = layer.filter(({ id }) => !free.has(id)).flatMap(({ id }) => chains.get(id) ?? [id])
    const [first] = members
    if (first !== undefined && members.length > 1) all.set(first, members)
  }
  return all
}

const GROUP = 'group:'
export const isGroupId = (id: string): boolean => id.startsWith(GROUP)

function merge({ nodes, edges }: Drawing, groups: Groups): FoldedDrawing {
  const groupOf = new Map([...groups].flatMap(([first, members]) => members.map((id) => [id, `${GROUP}${first}`] as const)))
  // A chain that is merged again is named by its first node.
  for (const [first] of groups) groupOf.set(`${GROUP}${first}`, `${GROUP}${first}`)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const merged = new Map<string, DrawnEdge>()
  for (const edge of edges) {
    const [from, to] = [groupOf.get(edge.from) ?? edge.from, groupOf.get(edge.to) ?? edge.to]
    const key = `${from} ${to}`
    if (from !== to) merged.set(key, merged.has(key) ? { from, to } : { ...edge, from, to })
  }
  return {
    nodes: nodes.filter(({ id }) => !groupOf.has(id)),
    groups: [...groups].map(([first, members]) => ({ id: `${GROUP}${first}`, members: members.flatMap((id) => byId.get(id) ?? []) })),
    edges: [...merged.values()],
  }
}
