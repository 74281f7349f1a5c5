import { RUN_STATES } from './lifecycle.ts'

/** What a node of a workflow may be, by the member that says so: `foreach` before `handler`, which it has, too. Free of schemas: the console loads it. */
export const NODE_KINDS = ['foreach', 'handler', 'job', 'decision', 'wait', 'publish', 'http'] as const
export type NodeKind = (typeof NODE_KINDS)[number]

/** What a node is. */
export const kindOf = (node: object): NodeKind => NODE_KINDS.find((kind) => kind in node) as NodeKind

/**
 * States of a node: those of a task; `blocked`: it cannot start, because something that it comes after has failed; `compensated`: what it had done was undone.
 */
export const NODE_STATES = [...RUN_STATES, 'blocked', 'compensated'] as const
export type NodeState = (typeof NODE_STATES)[number]
