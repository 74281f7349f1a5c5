import { kindOf, type NodeKind } from '@carillon/contracts'
import { durationText } from '../schedule/durations.ts'

/** A node while it is edited: it may be incomplete, and keeps members that this console does not know. */
export type EditedNode = Readonly<Record<string, unknown>> & { readonly id: string }

/** The graph of a job while it is edited. */
export interface EditedWorkflow {
  readonly failFast?: unknown
  readonly output?: unknown
  readonly nodes: readonly EditedNode[]
}

/** What the editor edits: the options of the job, and its graph. Together they are what `jobs.put` takes. */
export interface WorkflowDocument {
  readonly job: Readonly<Record<string, unknown>> & { readonly name: string }
  readonly workflow: EditedWorkflow
}

/** An arrow. */
export interface GraphEdge {
  readonly from: string
  readonly to: string
  /** Of a decision: the branches that lead over it, and their conditions. */
  readonly branches?: readonly number[]
  readonly when?: string
}

export const emptyDocument = (name: string): WorkflowDocument => ({ job: { name }, workflow: { nodes: [] } })

export const kindOfNode = (node: EditedNode): NodeKind | undefined => kindOf(node) as NodeKind | undefined

/** Names as a list: one may stand alone. */
export const namesOf = (names: unknown): readonly string[] =>
  typeof names === 'string' ? [names] : Array.isArray(names) ? names.filter((name): name is string => typeof name === 'string') : []

/** As it is written: none is left out, one stands alone. */
export const writtenNames = (names: readonly string[]): string | readonly string[] | undefined => (names.length > 1 ? names : names[0])

/** A branch of a decision. */
export interface Branch {
  /** Undefined: the one that is taken where no condition is true. */
  readonly when: string | undefined
  readonly to: readonly string[]
}

export function branchesOf(node: EditedNode): readonly Branch[] {
  const decision = node['decision']
  if (!Array.isArray(decision)) return []
  return decision.map((branch: Readonly<Record<string, unknown>>) =>
    'otherwise' in branch
      ? { when: undefined, to: namesOf(branch['otherwise']) }
      : { when: String(branch['when'] ?? ''), to: namesOf(branch['to']) },
  )
}

/** Branches as they are written. One that leads nowhere is kept while it is edited: its condition would be lost. */
export function withBranches(node: EditedNode, branches: readonly Branch[]): EditedNode {
  const decision = branches.map(({ when, to }) => {
    const names = writtenNames(to) ?? []
    return when === undefined ? { otherwise: names } : { when, to: names }
  })
  return { ...node, decision }
}

/** The arrows between nodes that there are; what names no node is left out here, and is a problem. */
export function edgesOf(nodes: readonly EditedNode[]): GraphEdge[] {
  const ids = new Set(nodes.map(({ id }) => id))
  const byKey = new Map<string, GraphEdge>()
  for (const node of nodes)
    branchesOf(node).forEach(({ when = 'otherwise', to }, i) => {
      for (const name of to) {
        const key = keyOf(node.id, name)
        const there = byKey.get(key)
        if (ids.has(name))
          byKey.set(key, {
            ...{ from: node.id, to: name, branches: [...(there?.branches ?? []), i] },
            when: there === undefined ? when : `${there.when} or ${when}`,
          })
      }
    })
  for (const node of nodes)
    for (const name of namesOf(node['after'])) {
      const key = keyOf(name, node.id)
      if (ids.has(name) && !byKey.has(key)) byKey.set(key, { from: name, to: node.id })
    }
  return [...byKey.values()]
}

const keyOf = (from: string, to: string) => `${from} ${to}`

/** What a node does, in a few words. */
export function doesOf(node: EditedNode): string {
  switch (kindOfNode(node)) {
    case 'foreach':
      return `${textOf(node['handler'])} ×`
    case 'handler':
      return textOf(node['handler'])
    case 'job':
      return textOf(node['job'])
    case 'decision':
      return branchesOf(node)
        .map(({ when }) => when ?? '…')
        .join(' | ')
    case 'publish':
      return `→ ${textOf(memberOf(node['publish'], 'subject'))}`
    case 'http':
      return `${textOf(memberOf(node['http'], 'method')) || 'GET'} ${textOf(memberOf(node['http'], 'url'))}`
    case 'wait':
      return waitText(node['wait'])
    default:
      return ''
  }
}

function waitText(wait: unknown): string {
  const [kind] = ['signal', 'until', 'durationMs', 'approval'].filter((name) => memberOf(wait, name) !== undefined)
  if (kind === 'approval') return namesOf(memberOf(memberOf(wait, 'approval'), 'by')).join(', ')
  if (kind === 'durationMs') {
    const ms = memberOf(wait, 'durationMs')
    return typeof ms === 'number' ? durationText(ms) : textOf(ms)
  }
  return kind === undefined ? '' : textOf(memberOf(wait, kind))
}

const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

/** A member of a value that may be none. */
export const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined
