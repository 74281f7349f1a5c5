import { EXPRESSION_LIMITS } from './limits.ts'
import type { ExpressionPlace } from './variables.ts'

/** Members of `load`; all are numbers. A signal that an instance does not report is missing there: `has(load.memory)`. */
const LOAD = ['cpu', 'memory', 'eventLoopDelayMs', 'running', 'capacity', 'responseMs'] as const

/** Where expressions stand, and what each may read. `docs/EXPRESSIONS.md` describes them, which a test holds against this table. */
export const PLACES = {
  /** Whether an event triggers a run. */
  filter: { kind: 'boolean', variables: { payload: 'any', subject: 'text' } },
  /** The payload of a run that an event triggers. */
  map: { kind: 'value', variables: { payload: 'any', subject: 'text' } },
  /** Which runs share a limit. */
  concurrencyKey: { kind: 'key', variables: { payload: 'any' } },
  /** Which instance a run is routed to by consistent hash. */
  hashKey: { kind: 'key', variables: { payload: 'any' } },
  /** Whether an instance may run a job. */
  where: { kind: 'boolean', variables: { labels: 'map of text', load: LOAD } },
  /** Which branch of a workflow is taken. */
  decision: {
    kind: 'boolean',
    variables: { payload: 'any', context: 'any', nodes: 'any' },
    maxTextBytes: EXPRESSION_LIMITS.decisionTextBytes,
    maxNodes: EXPRESSION_LIMITS.decisionNodes,
  },
  /** The items of a node of a workflow that has a task for each. */
  list: {
    kind: 'list',
    variables: { payload: 'any', context: 'any', nodes: 'any' },
    maxTextBytes: EXPRESSION_LIMITS.decisionTextBytes,
    maxNodes: EXPRESSION_LIMITS.decisionNodes,
    maxCost: EXPRESSION_LIMITS.listCost,
  },
  /** What a node of a workflow gets: a payload, the body of a message, the result of a run. */
  nodeValue: {
    kind: 'value',
    variables: { payload: 'any', context: 'any', nodes: 'any' },
    maxTextBytes: EXPRESSION_LIMITS.decisionTextBytes,
    maxNodes: EXPRESSION_LIMITS.decisionNodes,
  },
} as const satisfies Readonly<Record<string, ExpressionPlace>>
