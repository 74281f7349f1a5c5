import type { Variables } from '../variables.ts'
import type { CelNode } from './library.ts'
import { callOf, childrenOf, loopVariableOf, textOf } from './nodes.ts'

/** Which members of a value an expression reads, by name; undefined: all of it. */
export type Members = ReadonlyMap<string, Members> | undefined
type Growing = Map<string, Growing> | undefined

/** Which members of which variables an expression reads. A filter on `payload.total` must not cost a copy of a payload of 512 KiB. */
export function membersOf(root: CelNode, variables: Variables): ReadonlyMap<string, Members> {
  const read = new Map<string, Growing>()
  collect(root, { read, variables })
  return read
}

interface Collected {
  readonly read: Map<string, Growing>
  readonly variables: Variables
}

function collect(node: CelNode, to: Collected): void {
  const path = pathOf(node)
  if (path !== undefined) {
    if (Object.hasOwn(to.variables, path[0] as string)) add(to.read, path)
    return
  }
  const call = callOf(node)
  const loop = loopVariableOf(call)
  for (const child of childrenOf(node)) if (child !== loop) collect(child, to)
}

/** The names of `payload.a['b'].c`, or undefined if the node is something else. */
function pathOf(node: CelNode): string[] | undefined {
  if (node.op === 'id') return [node.args as string]
  if (node.op !== '.' && node.op !== '[]') return undefined
  const [object, index] = node.args as [CelNode, unknown]
  const member = node.op === '.' ? (index as string) : textOf(index as CelNode)
  if (member === undefined) return undefined
  const path = pathOf(object)
  return path === undefined ? undefined : [...path, member]
}

function add(read: Map<string, Growing>, path: readonly string[]): void {
  const [name, ...rest] = path as [string, ...string[]]
  const isWhole = read.has(name) && read.get(name) === undefined
  if (isWhole) return
  const members = rest.length === 0 ? undefined : (read.get(name) ?? new Map<string, Growing>())
  read.set(name, members)
  if (members !== undefined) add(members, rest)
}
