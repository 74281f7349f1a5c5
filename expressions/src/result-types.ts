import { type CelNode, fault } from './cel/library.ts'
import { callOf, childrenOf } from './cel/nodes.ts'
import type { ExpressionKind } from './variables.ts'

/** Types of results, in the words of CEL; `dyn` is known when it is evaluated. */
const TYPES: Readonly<Record<ExpressionKind, RegExp>> = {
  boolean: /^(bool|dyn)$/,
  key: /^(bool|int|double|string|dyn|dyn<double>)$/,
  list: /^(list|dyn)\b/,
  value: /^(?!google\.protobuf\.Duration$)/,
}
const WANTED: Readonly<Record<ExpressionKind, string>> = {
  boolean: 'true or false',
  key: 'a text, a number or a boolean',
  list: 'a list',
  value: 'JSON',
}
const NUMERIC = new Set(['+', '-', '*', '/', '%', '-_'])

/** Refuses an expression that can never be what its place needs. Throws what `faultOf` reads. */
export function checkResultType(root: CelNode, type: string, kind: ExpressionKind): void {
  if (!TYPES[kind].test(type)) throw fault('result_type', `it is of type ${type}, and must be ${WANTED[kind]}`, root)
  const never = kind === 'boolean' ? neverBoolean(root) : undefined
  if (never !== undefined) throw fault('result_type', 'this is never true or false', never)
}

/** The type of `payload.a + 1` is not known, but it is no boolean; nor is a branch of `payload.a ? payload.b : 0`. */
function neverBoolean(node: CelNode): CelNode | undefined {
  if (NUMERIC.has(node.op) || node.op === 'list' || node.op === 'map') return node
  if (node.op === 'value') return typeof node.args === 'boolean' ? undefined : node
  if (node.op === '?:') return childrenOf(node).slice(1).map(neverBoolean).find(Boolean)
  const call = callOf(node)
  if (call?.name === 'dyn') return call.args.map(neverBoolean).find(Boolean)
  return call?.name === 'map' || call?.name === 'filter' ? node : undefined
}
