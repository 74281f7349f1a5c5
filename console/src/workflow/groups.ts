import { type Drawing, type DrawnEdge, type DrawnNode, isOpenState } from './drawing.ts'
import { layersOf } from './layers.ts'

/** Above this a drawing opens with groups: more boxes are no picture. */
export const FOLDED_ABOVE = 60
/** Shorter chains stay as they are. */
const SHORTEST_CHAIN = 3
/** Fewer branches stay as they are. */
const FEWEST_BRANCHES = 3

/** Several nodes as one box. */
export interface NodeGroup {
  /** Of its first member: stays the same while the graph does. */
  readonly id: string
  readonly members: readonly DrawnNode[]
  /** What counts as opened when it is opened: of branches their chains, of a chain its nodes. */
  readonly opens: readonly string[]
}
export interface FoldedDrawing {
  readonly nodes: readonly DrawnNode[]
  readonly groups: readonly NodeGroup[]
  /** Between nodes and groups. */
  readonly edges: readonly DrawnEdge[]
}

/**
 * A large drawing with groups: chains first, then branches that begin and end at the same boxes, then what stands at the same depth. None of them can make a circle.
 * What has failed, is under way, or was opened stays a node of its own.
 * @param opened ids of nodes, and of chains that stay beside one another
 */
export function folded(drawing: Drawing, opened: ReadonlySet<string>): FoldedDrawing {
  if (drawing.nodes.length <= FOLDED_ABOVE) return { ...drawing, groups: [] }
  const isFree = ({ id, run }: DrawnNode) => opened.has(id) || (run !== undefined && isOpenState(run.state))
  const chains = chainsOf(drawing, isFree)
  const { groups, kept } = branchesOf(drawing, chains, { isFree, opened })
  const withBranches = merge(drawing, groups)
  if (withBranches.nodes.length + withBranches.groups.length <= FOLDED_ABOVE) return withBranches
  return merge(
    drawing,
    layerGroups(withBranches, (id) => kept.has(id)),
  )
}

interface Group {
  readonly members: readonly string[]
  readonly opens: readonly string[]
}
/** By the id of the group. */
type Groups = ReadonlyMap<string, Group>
const GROUP = 'group:'
export const isGroupId = (id: string): boolean => id.startsWith(GROUP)
const chainId = (first: string) => `${GROUP}${first}`
const branchesId = (first: string) => `${GROUP}beside:${first}`

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
  const groups = new Map<string, Group>()
  for (const { id } of nodes) {
    const [before] = into.get(id) ?? []
    if (!isLink.has(id) || (before !== undefined && isLink.has(before))) continue
    const chain = [id]
    for (let [next] = outOf.get(id) ?? []; next !== undefined && isLink.has(next) && !chain.includes(next); [next] = outOf.get(next) ?? [])
      chain.push(next)
    if (chain.length >= SHORTEST_CHAIN) groups.set(chainId(id), { members: chain, opens: chain })
  }
  return groups
}

interface Openness {
  readonly isFree: (node: DrawnNode) => boolean
  readonly opened: ReadonlySet<string>
}

/** Boxes that come after the same ones and lead to the same ones. @returns also the boxes that were opened: they stay as they are */
function branchesOf(drawing: Drawing, chains: Groups, { isFree, opened }: Openness): { groups: Groups; kept: ReadonlySet<string> } {
  const { nodes, groups, edges } = merge(drawing, chains)
  const kept = new Set([...nodes.filter(isFree), ...groups.filter(({ id }) => opened.has(id))].map(({ id }) => id))
  const [into, outOf] = [new Map<string, string[]>(), new Map<string, string[]>()]
  for (const { from, to } of edges) {
    into.set(to, [...(into.get(to) ?? []), from])
    outOf.set(from, [...(outOf.get(from) ?? []), to])
  }
  const alike = new Map<string, string[]>()
  for (const { id } of [...nodes, ...groups]) {
    const ends = JSON.stringify([into.get(id)?.sort() ?? [], outOf.get(id)?.sort() ?? []])
    // What has no arrow at all is beside everything.
    if (!kept.has(id) && ends !== '[[],[]]') alike.set(ends, [...(alike.get(ends) ?? []), id])
  }
  const all = new Map(chains)
  for (const boxes of alike.values()) {
    if (boxes.length < FEWEST_BRANCHES) continue
    const members = boxes.flatMap((id) => chains.get(id)?.members ?? [id])
    for (const box of boxes) all.delete(box)
    all.set(branchesId(members[0] ?? ''), { members, opens: boxes })
  }
  return { groups: all, kept }
}

/** What stands at the same depth is one group. @param isKept of a box that stays as it is */
function layerGroups({ nodes, groups, edges }: FoldedDrawing, isKept: (id: string) => boolean): Groups {
  const before = new Map<string, string[]>()
  for (const { from, to } of edges) before.set(to, [...(before.get(to) ?? []), from])
  const byId = new Map(groups.map((group) => [group.id, group]))
  const layers = layersOf([...nodes, ...groups].map(({ id }) => ({ id, after: before.get(id) ?? [] })))
  const all = new Map<string, Group>()
  for (const layer of layers) {
    const free = layer.filter(({ id }) => isKept(id))
    for (const { id } of free) {
      const group = byId.get(id)
      if (group !== undefined) all.set(id, { members: group.members.map((node) => node.id), opens: group.opens })
    }
    const members = layer.filter(({ id }) => !isKept(id)).flatMap(({ id }) => byId.get(id)?.members.map((node) => node.id) ?? [id])
    const [first] = members
    if (first !== undefined && members.length > 1) all.set(chainId(first), { members, opens: members })
  }
  return all
}

function merge({ nodes, edges }: Drawing, groups: Groups): FoldedDrawing {
  const groupOf = new Map([...groups].flatMap(([group, { members }]) => members.map((id) => [id, group] as const)))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const merged = new Map<string, DrawnEdge>()
  for (const edge of edges) {
    const [from, to] = [groupOf.get(edge.from) ?? edge.from, groupOf.get(edge.to) ?? edge.to]
    const key = `${from} ${to}`
    if (from !== to) merged.set(key, merged.has(key) ? { from, to } : { ...edge, from, to })
  }
  return {
    nodes: nodes.filter(({ id }) => !groupOf.has(id)),
    groups: [...groups].map(([id, { members, opens }]) => ({ id, opens, members: members.flatMap((one) => byId.get(one) ?? []) })),
    edges: [...merged.values()],
  }
}
