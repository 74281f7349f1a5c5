import type { CelNode } from './library.ts'

const BINARY = new Set(['!=', '==', 'in', '+', '-', '*', '/', '%', '<', '<=', '>', '>=', '||', '&&'])
const LEAVES = new Set(['value', 'id'])

/** A call of a function, or of a method on a receiver. */
export interface Call {
  readonly name: string
  readonly receiver: CelNode | undefined
  readonly args: readonly CelNode[]
}

/** The operands of a node in the order of the text. An operator that is not known here is refused: nothing may pass without being metered. */
export function childrenOf(node: CelNode): readonly CelNode[] {
  const { op, args } = node
  if (LEAVES.has(op)) return []
  if (BINARY.has(op) || op === '[]' || op === '?:' || op === 'list') return args as CelNode[]
  if (op === '!_' || op === '-_') return [args as CelNode]
  if (op === '.') return [(args as [CelNode, string])[0]]
  if (op === 'map') return (args as [CelNode, CelNode][]).flat()
  const call = callOf(node)
  if (call === undefined) throw new Error(`the operator ${op} is not known`)
  return call.receiver === undefined ? call.args : [call.receiver, ...call.args]
}

export function callOf({ op, args }: CelNode): Call | undefined {
  if (op === 'call') {
    const [name, given] = args as [string, CelNode[]]
    return { name, receiver: undefined, args: given }
  }
  if (op !== 'rcall') return undefined
  const [name, receiver, given] = args as [string, CelNode, CelNode[]]
  return { name, receiver, args: given }
}

const COMPREHENSIONS = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

/** The name of the variable that a comprehension (`list.all(x, …)`) goes through its elements with, or undefined. */
export function loopVariableOf(call: Call | undefined): CelNode | undefined {
  const isLoop = call?.receiver !== undefined && COMPREHENSIONS.has(call.name)
  return isLoop && call.args[0]?.op === 'id' ? call.args[0] : undefined
}

/** The text of a node that is a text literal. */
export function textOf(node: CelNode | undefined): string | undefined {
  return node?.op === 'value' && typeof node.args === 'string' ? node.args : undefined
}

export function countNodes(node: CelNode): number {
  return childrenOf(node).reduce((sum, child) => sum + countNodes(child), 1)
}
