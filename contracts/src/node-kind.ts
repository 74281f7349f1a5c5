/** What a node of a workflow may be, by the member that says so: `foreach` before `handler`, which it has, too. Free of schemas: the console loads it. */
export const NODE_KINDS = ['foreach', 'handler', 'job', 'decision', 'wait', 'publish', 'http'] as const
export type NodeKind = (typeof NODE_KINDS)[number]

/** What a node is. */
export const kindOf = (node: object): NodeKind => NODE_KINDS.find((kind) => kind in node) as NodeKind
