import {
  branchesOf,
  CarillonError,
  countText,
  HTTP_HANDLER,
  HTTP_TIMEOUT_MAX_MS,
  HTTP_TIMEOUT_MS,
  httpRequestSchema,
  isPlainUrl,
  LIMITS,
  type NodeWait,
  parseInput,
  printable,
  type Workflow,
  type WorkflowNode,
  writeJson,
} from '@carillon/contracts'
import type { RunHead, TaskNode } from '@carillon/store'
import { hashKeyOf } from '../../../routing/rules/hash-key.ts'
import { routingOf } from '../../../routing/rules/request.ts'
import { termsOf } from '../../../runs/rules/terms.ts'
import { type ChildIntent, itemsResult } from './children.ts'
import { largestKeys, sizesOf } from './context-size.ts'
import type { NodeExpressions } from './node-expressions.ts'

/** What expressions of a node read. */
export interface NodeVariables {
  readonly payload: unknown
  readonly context: Readonly<Record<string, unknown>>
  /** By the id of the node. */
  readonly nodes: Readonly<Record<string, { readonly state: string; readonly result: unknown }>>
}

/** What a node that is to start needs, or why it cannot start. */
export type Prepared =
  /** A task of a handler. `item`: JSON text of its own payload and of its context, where it has any. */
  | { readonly kind: 'work'; readonly item: string | null; readonly own: NonNullable<TaskNode['own']> }
  /** A child run. `item`: JSON text of what it is started with. */
  | { readonly kind: 'child'; readonly item: string | null }
  /** A list without items. */
  | { readonly kind: 'done'; readonly result: string }
  | { readonly kind: 'decided'; readonly branch: number; readonly to: readonly string[]; readonly why: string }
  | { readonly kind: 'wait'; readonly wait: NodeWait }
  /** `item`: JSON text of a `PublishIntent`. */
  | { readonly kind: 'publish'; readonly item: string }
  | { readonly kind: 'failed'; readonly error: CarillonError }

interface Preparing {
  readonly run: RunHead
  readonly variables: NodeVariables
  readonly expressions: NodeExpressions
}

/** Evaluates the expressions of a node. */
export function prepareNode(node: WorkflowNode, preparing: Preparing): Prepared {
  try {
    checkContext(preparing.variables.context)
    if ('decision' in node) return decide(node, preparing)
    if ('foreach' in node) return listOf(node, preparing)
    if ('handler' in node) return workOf({ node, handler: node.handler, payload: evaluate(node.payload, preparing) }, preparing)
    if ('http' in node) return requestWork(node, preparing)
    if ('job' in node) return { kind: 'child', item: intentOf({ request: { job: node.job } }, node.payload, preparing) }
    if ('publish' in node) return { kind: 'publish', item: messageOf(node, preparing) }
    return { kind: 'wait', wait: node.wait }
  } catch (error) {
    return { kind: 'failed', error: CarillonError.from(error) }
  }
}

/** The result of a run that has succeeded, as JSON text; undefined: its workflow says nothing about it. */
export function outputOf({ output }: Workflow, variables: NodeVariables, { value }: NodeExpressions): string | CarillonError | undefined {
  if (output === undefined) return undefined
  try {
    const limit = { field: 'output', maxBytes: LIMITS.resultBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const
    return writeJson(evaluated(value.get(output).evaluate({ ...variables })), limit)
  } catch (error) {
    return CarillonError.from(error)
  }
}

/** The first branch whose condition is true, else the default. @throws CarillonError EXPRESSION_FAILED: no branch is taken then, not the default either */
function decide(node: WorkflowNode, { variables, expressions }: Preparing): Prepared {
  const branches = branchesOf(node)
  for (const [branch, { when, to }] of branches.entries())
    if (when !== undefined && evaluated(expressions.condition.get(when).evaluate({ ...variables })))
      return { kind: 'decided', branch, to, why: `${when} is true` }
  const branch = branches.findIndex(({ when }) => when === undefined)
  const { to } = branches[branch] ?? {}
  if (!to)
    throw new CarillonError('EXPRESSION_FAILED', `no condition of decision ${printable(node.id)} is true, and it has no default`, {
      field: node.id,
    })
  return { kind: 'decided', branch, to, why: 'no condition is true' }
}

interface NodeWork {
  readonly node: Extract<WorkflowNode, { handler: string } | { http: unknown }>
  readonly handler: string
  /** Undefined: that of the run. */
  readonly payload: unknown
}

/** What the node says; what it leaves open comes from the run. @throws CarillonError EXPRESSION_FAILED, PAYLOAD_TOO_LARGE, INVALID_REQUEST of routes */
function workOf({ node, handler, payload }: NodeWork, { run, variables, expressions }: Preparing): Prepared & { kind: 'work' } {
  const { attempts, backoff, timeoutMs, priority, nonRetryable } = node
  const routing = routingOf(node, { mode: 'single', from: run.routing })
  const key = routing === null ? undefined : hashKeyOf({ routing, payload: JSON.stringify(payload ?? variables.payload) }, expressions)
  const own = {
    handler,
    ...(attempts === undefined ? {} : { tries: attempts }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(routing === null ? {} : { routing: key === undefined ? routing : { ...routing, key } }),
    ...(priority === undefined && nonRetryable === undefined ? {} : { terms: termsOf({ priority, nonRetryable }, run.terms) }),
  }
  return { kind: 'work', item: itemOf(payload, variables.context), own }
}

/**
 * A task of the built-in handler. Its time limit is that of the task, so that a request without a response in time ends as `timed_out`: whether it has done anything is not known.
 * @throws CarillonError as `workOf`, and INVALID_REQUEST of a request that is none
 */
function requestWork(node: Extract<WorkflowNode, { http: unknown }>, preparing: Preparing): Prepared {
  const { url, headers, body, ...rest } = node.http
  const sent = Object.entries(headers ?? {}).map(([name, value]) => [
    name,
    typeof value === 'object' && 'value' in value ? evaluate(value.value, preparing) : value,
  ])
  const request = {
    ...rest,
    url: isPlainUrl(url) ? url : evaluate(url, preparing),
    ...(headers === undefined ? {} : { headers: Object.fromEntries(sent) }),
    ...(body === undefined ? {} : { body: evaluate(body, preparing) }),
    timeoutMs: HTTP_TIMEOUT_MAX_MS,
  }
  const payload = parseInput(httpRequestSchema, request, 'http')
  const timeoutMs = Math.min(node.timeoutMs ?? preparing.run.timeoutMs ?? HTTP_TIMEOUT_MS, HTTP_TIMEOUT_MAX_MS)
  const work = workOf({ node, handler: HTTP_HANDLER, payload }, preparing)
  return { ...work, own: { ...work.own, timeoutMs } }
}

/** What a child run is started with. @throws CarillonError EXPRESSION_FAILED, PAYLOAD_TOO_LARGE */
function intentOf(intent: ChildIntent, payload: string | undefined, preparing: Preparing): string {
  const own = payload === undefined ? {} : { payload: JSON.parse(writeJson(evaluate(payload, preparing), PAYLOAD)) as unknown }
  const { context } = preparing.variables
  return JSON.stringify({ ...intent, ...own, ...(Object.keys(context).length > 0 ? { context } : {}) } satisfies ChildIntent)
}

/** A task for each item. @throws CarillonError INVALID_ITEMS, EXPRESSION_FAILED, PAYLOAD_TOO_LARGE */
function listOf(node: ForeachNode, preparing: Preparing): Prepared {
  const { variables, expressions, run } = preparing
  const items = evaluated(expressions.list.get(node.foreach).evaluate({ ...variables }))
  const wrong = (what: string) =>
    new CarillonError('INVALID_ITEMS', `foreach is wrong: ${printable(node.foreach)} is ${what}`, {
      field: 'foreach',
      value: printable(node.foreach),
      hint: `Give a list of at most ${countText(LIMITS.foreachItems)} items.`,
    })
  if (!Array.isArray(items)) throw wrong(items === null ? 'null' : typeof items === 'object' ? 'a map' : `a ${typeof items}`)
  if (items.length > LIMITS.foreachItems) throw wrong(`a list of ${countText(items.length)} items`)
  if (items.length === 0) return { kind: 'done', result: itemsResult({}) }
  const { maxParallel, tolerate, failFast } = node
  const each = node.payload === undefined ? true : undefined
  const plan = Object.fromEntries(Object.entries({ maxParallel, tolerate, failFast, each }).filter(([, value]) => value !== undefined))
  const item = intentOf({ request: requestOf(node, run), items, plan }, node.payload, preparing)
  const bytes = Buffer.byteLength(item)
  if (bytes > LIMITS.foreachBytes) throw wrong(`a list of ${countText(bytes)} bytes, with its payload and context`)
  return { kind: 'child', item }
}

type ForeachNode = Extract<WorkflowNode, { foreach: string }>

/** What the node leaves open comes from its run. */
function requestOf(node: ForeachNode, { routing, terms, timeoutMs, tries, backoff }: RunHead): ChildIntent['request'] {
  const { id: _id, description: _d, after: _a, disabled: _dis, onFailure: _o, compensate: _c, foreach: _f, payload: _p, ...rest } = node
  const { maxParallel: _m, tolerate: _t, failFast: _ff, ...own } = rest
  const { key: _key, ...inherited } = routing ?? {}
  const { priority, nonRetryable } = terms ?? {}
  const from = { ...inherited, priority, nonRetryable, timeoutMs: timeoutMs ?? undefined, attempts: tries, backoff }
  return { ...from, ...own } as ChildIntent['request']
}

/** @throws CarillonError EXPRESSION_FAILED, PAYLOAD_TOO_LARGE */
function messageOf({ publish: { subject, body } }: Extract<WorkflowNode, { publish: unknown }>, preparing: Preparing): string {
  const value = body === undefined ? preparing.variables.payload : evaluate(body, preparing)
  return JSON.stringify({ subject, body: writeJson(value, PAYLOAD) })
}

const evaluate = (text: string | undefined, { variables, expressions }: Preparing): unknown =>
  text === undefined ? undefined : evaluated(expressions.value.get(text).evaluate({ ...variables }))

const PAYLOAD = { field: 'payload', maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' } as const

/** The payload of its own, and the context, if it has any. */
function itemOf(payload: unknown, context: NodeVariables['context']): string | null {
  const hasContext = Object.keys(context).length > 0
  if (payload === undefined && !hasContext) return null
  return writeJson({ ...(payload === undefined ? {} : { payload }), ...(hasContext ? { context } : {}) }, PAYLOAD)
}

/** Nodes of which none leads to the other may together have added more than one of them may. @throws CarillonError CONTEXT_TOO_LARGE */
function checkContext(context: NodeVariables['context']): void {
  const bytes = sizesOf(context).reduce((sum, [key, size]) => sum + size + key.length, 0)
  if (bytes <= LIMITS.contextBytes) return
  const message = `the context has ${bytes} bytes, the limit is ${LIMITS.contextBytes}; ${largestKeys(context)}`
  throw new CarillonError('CONTEXT_TOO_LARGE', message, { field: 'context', value: `${bytes} bytes` })
}

function evaluated<Value>(outcome: { ok: true; value: Value } | { ok: false; error: CarillonError }): Value {
  if (!outcome.ok) throw outcome.error
  return outcome.value
}
