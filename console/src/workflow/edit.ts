import type { NodeKind } from '@carillon/contracts'
import {
  type Branch,
  branchesOf,
  type EditedNode,
  type EditedWorkflow,
  edgesOf,
  kindOfNode,
  namesOf,
  type WorkflowDocument,
  withBranches,
  writtenNames,
} from './document.ts'

/** What a new node of a kind begins with. */
const FRESH: Readonly<Record<NodeKind, Readonly<Record<string, unknown>>>> = {
  handler: { handler: '' },
  foreach: { foreach: 'payload.items', handler: '' },
  job: { job: '' },
  decision: { decision: [] },
  wait: { wait: { durationMs: 60_000 } },
  publish: { publish: { subject: '' } },
  http: { http: { url: 'https://' } },
}

const withWorkflow = (document: WorkflowDocument, change: Partial<EditedWorkflow>): WorkflowDocument => ({
  ...document,
  workflow: { ...document.workflow, ...change },
})
const withNodes = (document: WorkflowDocument, nodes: readonly EditedNode[]) => withWorkflow(document, { nodes })
const mapNodes = (document: WorkflowDocument, change: (node: EditedNode) => EditedNode) =>
  withNodes(document, document.workflow.nodes.map(change))

/** An id that no node has: `charge`, `charge-2`. */
export function freshId({ workflow }: WorkflowDocument, wanted: string): string {
  const ids = new Set(workflow.nodes.map(({ id }) => id))
  let id = wanted
  for (let i = 2; ids.has(id); i++) id = `${wanted}-${i}`
  return id
}

/** Adds a node at the end. @param options.after the node that it comes after @returns the document, and the id of the node */
export function addNode(
  document: WorkflowDocument,
  kind: NodeKind,
  options: { readonly id?: string; readonly after?: string | undefined; readonly more?: Readonly<Record<string, unknown>> } = {},
): { readonly document: WorkflowDocument; readonly id: string } {
  const id = freshId(document, options.id ?? kind)
  const added = withNodes(document, [...document.workflow.nodes, { id, ...FRESH[kind], ...options.more }])
  return { id, document: options.after === undefined ? added : connect(added, options.after, id) }
}

/** Removes nodes, and what leads to them. */
export function removeNodes(document: WorkflowDocument, ids: Iterable<string>): WorkflowDocument {
  const gone = new Set(ids)
  if (gone.size === 0) return document
  const left = withNodes(
    document,
    document.workflow.nodes.filter(({ id }) => !gone.has(id)),
  )
  return mapNodes(left, (node) => withReferences(node, (name) => (gone.has(name) ? undefined : name)))
}

/** Gives a node another id, also where others name it; expressions are left as they are, and are checked by the service. */
export function renameNode(document: WorkflowDocument, from: string, to: string): WorkflowDocument {
  if (from === to) return document
  return mapNodes(document, (node) => withReferences(node.id === from ? { ...node, id: to } : node, (name) => (name === from ? to : name)))
}

function withReferences(node: EditedNode, change: (name: string) => string | undefined): EditedNode {
  const changed = (names: readonly string[]) => names.flatMap((name) => change(name) ?? [])
  const after = 'after' in node ? withMember(node, 'after', writtenNames(changed(namesOf(node['after'])))) : node
  return 'decision' in after
    ? withBranches(
        after,
        branchesOf(after).map((branch) => ({ ...branch, to: changed(branch.to) })),
      )
    : after
}

/** The same node with another value of a member; undefined: without it. */
export function withMember(node: EditedNode, name: string, value: unknown): EditedNode {
  const { [name]: _, ...rest } = node
  return (value === undefined ? rest : { ...node, [name]: value }) as EditedNode
}

/** Replaces a node by another version of it. */
export const replaceNode = (document: WorkflowDocument, id: string, next: EditedNode): WorkflowDocument =>
  mapNodes(document, (node) => (node.id === id ? next : node))

/** Why an arrow may not be drawn. */
export type ConnectProblem = 'same-node' | 'there-already' | 'circle'

export function connectProblem({ workflow: { nodes } }: WorkflowDocument, from: string, to: string): ConnectProblem | undefined {
  if (from === to) return 'same-node'
  const edges = edgesOf(nodes)
  if (edges.some((edge) => edge.from === from && edge.to === to)) return 'there-already'
  const next = new Map<string, string[]>()
  for (const edge of edges) next.set(edge.from, [...(next.get(edge.from) ?? []), edge.to])
  const reached = new Set([to])
  for (const id of reached) for (const behind of next.get(id) ?? []) reached.add(behind)
  return reached.has(from) ? 'circle' : undefined
}

/**
 * Draws an arrow. Out of a decision it is a branch: the first one is the default, further ones get a condition to be filled in.
 * What may not be drawn changes nothing.
 */
export function connect(document: WorkflowDocument, from: string, to: string): WorkflowDocument {
  if (connectProblem(document, from, to) !== undefined) return document
  return mapNodes(document, (node) => {
    const isDecision = kindOfNode(node) === 'decision'
    if (node.id === from && isDecision) return withBranches(node, withWay(branchesOf(node), to))
    const source = document.workflow.nodes.find(({ id }) => id === from)
    if (node.id !== to || source === undefined || kindOfNode(source) === 'decision') return node
    return withMember(node, 'after', writtenNames([...namesOf(node['after']), from]))
  })
}

/** A branch without a way out takes it first. */
function withWay(branches: readonly Branch[], to: string): Branch[] {
  const empty = branches.findIndex((branch) => branch.to.length === 0)
  if (empty >= 0) return branches.map((branch, i) => (i === empty ? { ...branch, to: [to] } : branch))
  if (!branches.some(({ when }) => when === undefined)) return [...branches, { when: undefined, to: [to] }]
  // The default stays last: it is read last.
  const conditions = branches.filter(({ when }) => when !== undefined)
  const defaults = branches.filter(({ when }) => when === undefined)
  return [...conditions, { when: 'true', to: [to] }, ...defaults]
}

/** Removes an arrow; a branch that leads nowhere then goes with it. */
export function disconnect(document: WorkflowDocument, from: string, to: string): WorkflowDocument {
  return mapNodes(document, (node) => {
    const after = node.id === to && 'after' in node ? without(node, from) : node
    if (after.id !== from || !('decision' in after)) return after
    const branches = branchesOf(after)
      .map((branch) => ({ ...branch, to: branch.to.filter((name) => name !== to) }))
      .filter((branch, i) => branch.to.length > 0 || branchesOf(after)[i]?.to.length === 0)
    return withBranches(after, branches)
  })
}

const without = (node: EditedNode, from: string) =>
  withMember(node, 'after', writtenNames(namesOf(node['after']).filter((name) => name !== from)))

/** Copies of nodes, with the arrows between them. @returns the document, and the ids of the copies */
export function duplicateNodes(
  document: WorkflowDocument,
  ids: readonly string[],
): { readonly document: WorkflowDocument; readonly ids: readonly string[] } {
  const names = new Map<string, string>()
  let next = document
  for (const node of document.workflow.nodes.filter(({ id }) => ids.includes(id))) {
    const id = freshId(next, `${node.id}-copy`)
    names.set(node.id, id)
    next = withNodes(next, [...next.workflow.nodes, { ...node, id }])
  }
  const copies = new Set(names.values())
  return {
    document: mapNodes(next, (node) =>
      copies.has(node.id) ? withReferences(node, (name) => names.get(name) ?? keptOf(node, name)) : node,
    ),
    ids: [...copies],
  }
}

/** A copy comes after what the original comes after; a decision that is copied leads nowhere twice. */
const keptOf = (node: EditedNode, name: string): string | undefined => (namesOf(node['after']).includes(name) ? name : undefined)

/** Moves a node in the list: the order of nodes is the order in which they are listed, and means nothing else. */
export function moveNode(document: WorkflowDocument, id: string, by: -1 | 1): WorkflowDocument {
  const nodes = [...document.workflow.nodes]
  const place = nodes.findIndex((node) => node.id === id)
  const [node, other] = [nodes[place], nodes[place + by]]
  if (node === undefined || other === undefined) return document
  nodes[place] = other
  nodes[place + by] = node
  return withNodes(document, nodes)
}

/** An option of the graph. */
export function withGraphOption(document: WorkflowDocument, name: 'failFast' | 'output', value: unknown): WorkflowDocument {
  const { [name]: _, ...rest } = document.workflow
  return { ...document, workflow: value === undefined ? rest : { ...rest, [name]: value } }
}

/** An option of the job. */
export function withJobOption(document: WorkflowDocument, name: string, value: unknown): WorkflowDocument {
  const { [name]: _, ...rest } = document.job
  return { ...document, job: (value === undefined ? rest : { ...document.job, [name]: value }) as WorkflowDocument['job'] }
}
