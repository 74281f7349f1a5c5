import { parseInstant } from '@carillon/contracts'
import { EXPRESSION_LIMITS } from '../limits.ts'
import { type CelNode, fault, type Handle } from './library.ts'
import { callOf, childrenOf, countNodes } from './nodes.ts'
import type { Pattern } from './patterns.ts'

/**
 * Counts the work of an evaluation, and ends it when it has cost too much. A node that is evaluated once costs nothing: there are few. What costs:
 *
 * - a comprehension: the length of its list × the nodes it evaluates for each element, before it begins;
 * - text that is read or made: a unit for each 32 letters; a search in it, the product of both lengths / 256; a pattern, its instructions ×
 *   the letters / 4; a text that is split, its letters / 4;
 * - a list or map that is compared, joined or searched: a unit for each value in it;
 * - each value of the variables that is read, and of the result;
 * - an error that CEL swallows: 100 units.
 */
export class Meter {
  #left: number = EXPRESSION_LIMITS.cost

  reset(cost: number = EXPRESSION_LIMITS.cost): void {
    this.#left = cost
  }

  get isExhausted(): boolean {
    return this.#left < 0
  }

  /** Where an error of an operand does not end the evaluation; that the work is used up always does. */
  swallow(): void {
    this.spend(ERROR_COST)
  }

  spend(units: number): void {
    this.#left -= units
    if (this.#left < 0) throw EXHAUSTED
  }
}

const ERROR_COST = 100

/** One for all: it may be thrown for each of many elements. What is said of it is said by who finds the meter exhausted. */
const EXHAUSTED = new Error('an expression has used up its units of work')

/** Makes a type-checked tree count its work. */
export function meterTree(node: CelNode, meter: Meter, patterns: ReadonlyMap<CelNode, Pattern>): void {
  for (const child of childrenOf(node)) meterTree(child, meter, patterns)
  if (node.op === 'map') node.setMeta('evaluate', makeMap)
  else if (node.op === '+') charge(node, meter, ([left, right]) => widthOf(left) + widthOf(right))
  else if (node.op === '==' || node.op === '!=' || node.op === 'in')
    charge(node, meter, ([left, right]) => weightOf(left) + weightOf(right))
  else if (node.op === '[]') charge(node, meter, ([, index]) => mustBeIndex(index, node))
  else meterCall(node, meter, patterns)
}

/** A list as an index would become a text of all it holds, in the error that there is no such member. */
function mustBeIndex(index: unknown, node: CelNode): number {
  if (typeof index !== 'object' || index === null) return 0
  throw fault('index', 'a member is named by a text, an element by a number', node)
}

function meterCall(node: CelNode, meter: Meter, patterns: ReadonlyMap<CelNode, Pattern>): void {
  const call = callOf(node)
  // `has` reads a member.
  if (call === undefined || call.name === 'has') return
  const loop = node.meta.alternate
  if (loop !== undefined) {
    const nodes = call.args.slice(1).reduce((sum, arg) => sum + countNodes(arg), 1)
    charge(loop, meter, ([items]) => sizeOf(items) * nodes)
    return
  }
  const pattern = patterns.get(node)
  if (pattern !== undefined) {
    meterMatches(node, meter, pattern)
    return
  }
  const instead = INSTEAD[call.name]
  const original = handleOf(node)
  if (instead !== undefined) {
    node.handle = (...operands) => instead((operands[0] as unknown[])[0], node) ?? original(...operands)
  }
  charge(node, meter, ([operands]) => costOfCall(call.name, operands as unknown[]))
}

function charge(node: CelNode, meter: Meter, costOf: (operands: unknown[]) => number): void {
  const original = handleOf(node)
  const metered: Handle = (...operands) => {
    meter.spend(costOf(operands))
    return original(...operands)
  }
  node.handle = metered
}

/** What cannot be metered must not be evaluated: another version of the library may keep its handles elsewhere. */
function handleOf(node: CelNode): Handle {
  if (node.handle === undefined) throw new Error(`the operator ${node.op} cannot be metered`)
  return node.handle
}

/** `matches` of the library is the engine of JavaScript, which one short text can hold for hours. */
function meterMatches(node: CelNode, meter: Meter, pattern: Pattern): void {
  const original = handleOf(node)
  node.handle = (...operands) => {
    const [text] = operands[0] as unknown[]
    if (typeof text !== 'string') return original(...operands)
    meter.spend((pattern.instructions * text.length) / 4)
    return pattern.matches(text)
  }
}

/** What the library does otherwise than CEL says, or otherwise on each machine. Undefined: the library does it. */
const INSTEAD: Readonly<Record<string, (operand: unknown, node: CelNode) => unknown>> = {
  lowerAscii: (text) => (typeof text === 'string' ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : undefined),
  upperAscii: (text) => (typeof text === 'string' ? text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : undefined),
  timestamp: (text, node) => {
    if (typeof text !== 'string' || parseInstant(text) !== undefined) return undefined
    throw fault('invalid_timestamp', 'timestamp() takes RFC 3339, such as 2030-01-31T09:00:00Z', node)
  },
  duration: (text, node) => {
    if (typeof text !== 'string' || text.length <= EXPRESSION_LIMITS.durationLength) return undefined
    throw fault('invalid_duration', 'duration() takes a text such as 1h30m', node)
  },
}

const SEARCHES = new Set(['contains', 'indexOf'])

function costOfCall(name: string, operands: unknown[]): number {
  const [first, second] = operands
  const width = operands.reduce<number>((sum, operand) => sum + widthOf(operand), 0)
  if (name === 'join' && Array.isArray(first)) return width + first.reduce<number>((sum, item) => sum + widthOf(item) + widthOf(second), 0)
  if (name === 'split' && typeof first === 'string') return width + first.length / 4
  const isSearch = SEARCHES.has(name) && typeof first === 'string' && typeof second === 'string'
  return isSearch ? width + (first.length * second.length) / 256 : width
}

/** A map that is written out is a `Map`, as those of variables are: nothing is found in it that was not put there. */
const makeMap: Parameters<CelNode['setMeta']>[1] = (evaluator, node, context) => {
  const made = new Map<unknown, unknown>()
  for (const [keyNode, valueNode] of node.args as [CelNode, CelNode][]) {
    const key = evaluator.run(keyNode, context)
    if (typeof key !== 'string') throw fault('map_key', 'the keys of a map are texts, as in JSON', keyNode)
    if (made.has(key)) throw fault('map_key', `the key ${JSON.stringify(key)} is there twice`, keyNode)
    made.set(key, evaluator.run(valueNode, context))
  }
  return made
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length
  return value instanceof Map ? value.size : 0
}

/** The cost of copying a value. */
export function widthOf(value: unknown): number {
  return typeof value === 'string' ? value.length / 32 : sizeOf(value)
}

/** The cost of comparing a value, however deep. */
function weightOf(value: unknown): number {
  if (!Array.isArray(value) && !(value instanceof Map)) return widthOf(value)
  let weight = sizeOf(value)
  for (const item of value.values()) weight += weightOf(item)
  return weight
}
