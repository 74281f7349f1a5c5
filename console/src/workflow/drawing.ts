import type { NodeKind, NodeState, TreeNode } from '@carillon/contracts'
import { doesOf, edgesOf, kindOfNode, type WorkflowDocument } from './document.ts'

/** A box. */
export interface DrawnNode {
  readonly id: string
  readonly kind: NodeKind | undefined
  /** What it does. */
  readonly text: string
  readonly isDisabled?: true
  /** In a run. */
  readonly run?: TreeNode
}

/** An arrow. */
export interface DrawnEdge {
  readonly from: string
  readonly to: string
  /** Out of a decision: when it is taken. */
  readonly text?: string
  /** In the run that is shown it was not taken. */
  readonly isDead?: true
}

export interface Drawing {
  readonly nodes: readonly DrawnNode[]
  readonly edges: readonly DrawnEdge[]
}

/** What is edited. */
export function drawingOf({ workflow: { nodes } }: WorkflowDocument): Drawing {
  return {
    nodes: nodes.map((node) => ({
      ...{ id: node.id, kind: kindOfNode(node), text: doesOf(node) },
      ...(node['disabled'] === true ? { isDisabled: true } : {}),
    })),
    edges: edgesOf(nodes).map(({ from, to, when }) => ({ from, to, ...(when === undefined ? {} : { text: when }) })),
  }
}

/** The graph of a run, as it was when the run was requested, with its states. */
export function drawingOfRun(run: readonly TreeNode[]): Drawing {
  const byId = new Map(run.map((node) => [node.id, node]))
  return {
    nodes: run.map((node) => ({ id: node.id, kind: node.kind, text: runText(node), run: node })),
    edges: run.flatMap(({ id: to, after, when = {} }) =>
      after.map((from): DrawnEdge => {
        const source = byId.get(from)
        const text = Object.hasOwn(when, from) ? when[from] : undefined
        const isDead = source?.state === 'not_needed' || (text !== undefined && source?.took !== undefined && !source.took.includes(to))
        return { from, to, ...(text === undefined ? {} : { text }), ...(isDead ? { isDead } : {}) }
      }),
    ),
  }
}

function runText({ items, awaits, compensation, attempt = 0 }: TreeNode): string {
  if (items !== undefined) return `${items.succeeded + items.failed} / ${items.total}`
  if (awaits !== undefined) return 'signal' in awaits ? awaits.signal : awaits.approval.join(', ')
  if (compensation?.state !== undefined) return `↶ ${compensation.handler}`
  return attempt > 1 ? `× ${attempt}` : ''
}

/** States that a person wants to see, whatever is folded: what failed, what is under way, and what waits for someone. */
export const isOpenState = (state: NodeState): boolean =>
  ['failed', 'timed_out', 'expired', 'running', 'cancelling', 'paused'].includes(state)
