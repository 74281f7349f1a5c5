import { EXPRESSION_LIMITS } from '../limits.ts'
import type { Variables } from '../variables.ts'
import { FUNCTIONS, WITHOUT_ARGUMENTS } from './functions.ts'
import { type CelNode, fault } from './library.ts'
import { type Call, callOf, childrenOf, loopVariableOf, textOf } from './nodes.ts'
import { compilePattern, type Pattern } from './patterns.ts'

/** Where a node stands: what is declared there, and within how many comprehensions and literals. */
interface Scope {
  readonly names: ReadonlySet<string>
  readonly comprehensions: number
  readonly literals: number
  /** Of the whole expression. */
  readonly patterns: Map<CelNode, Pattern>
}

/**
 * Refuses what the library would take and we do not promise or cannot bound. Throws what `faultOf` reads.
 * @returns the patterns of the calls of `matches`
 */
export function restrict(root: CelNode, variables: Variables): ReadonlyMap<CelNode, Pattern> {
  const patterns = new Map<CelNode, Pattern>()
  visit(root, { names: new Set(Object.keys(variables)), comprehensions: 0, literals: 0, patterns })
  return patterns
}

function visit(node: CelNode, scope: Scope): void {
  if (node.op === 'id' && !scope.names.has(node.args as string)) {
    throw fault('unknown_variable', `there is no variable ${quoted(node.args as string)}`, node)
  }
  if (node.op === 'value' && typeof node.args === 'object' && node.args !== null) {
    throw fault('unsupported_literal', 'bytes and unsigned numbers are not part of JSON', node)
  }
  // Else it would be compared with a number that it is not: those of JSON are doubles.
  if (node.op === 'value' && typeof node.args === 'bigint' && !isExact(node.args)) {
    throw fault('number_too_large', `${node.args} is beyond 2^53, which JSON cannot keep exactly`, node)
  }
  const call = callOf(node)
  if (call !== undefined) {
    visitCall(node, call, scope)
    return
  }
  const isLiteral = node.op === 'list' || node.op === 'map'
  const inner = isLiteral ? { ...scope, literals: scope.literals + 1 } : scope
  if (inner.literals > EXPRESSION_LIMITS.nestedLiterals) {
    throw fault('too_nested', `lists and maps are written within one another, at most ${EXPRESSION_LIMITS.nestedLiterals} deep`, node)
  }
  if (node.op === 'map') for (const [key] of node.args as [CelNode, CelNode][]) mustBeTextKey(key)
  for (const child of childrenOf(node)) visit(child, inner)
}

function mustBeTextKey(key: CelNode): void {
  if (key.op === 'value' && typeof key.args !== 'string') throw fault('map_key', 'the keys of a map are texts, as in JSON', key)
}

function visitCall(node: CelNode, call: Call, scope: Scope): void {
  const { name, receiver, args } = call
  if (!Object.hasOwn(FUNCTIONS, name)) throw fault('unknown_function', `there is no function ${quoted(name)}`, node)
  if (WITHOUT_ARGUMENTS.test(name) && args.length > 0) {
    throw fault('time_zone', `${name}() takes no time zone: times are UTC`, args[0])
  }
  if (name === 'matches') scope.patterns.set(node, patternOf(node, args.at(-1), scope))
  if (receiver !== undefined) visit(receiver, scope)
  const loop = loopVariableOf(call)
  if (loop === undefined) {
    for (const arg of args) visit(arg, scope)
    return
  }
  const variable = loop.args as string
  if (scope.names.has(variable)) throw fault('shadowed_variable', `${quoted(variable)} is a variable already`, loop)
  const inner = { ...scope, names: new Set([...scope.names, variable]), comprehensions: scope.comprehensions + 1 }
  if (inner.comprehensions > EXPRESSION_LIMITS.nestedComprehensions) {
    throw fault('too_nested', `${name}() is inside two others of its kind; one inside another is the most`, node)
  }
  for (const arg of args.slice(1)) visit(arg, inner)
}

/** A pattern from a payload would be compiled on each evaluation, and could be a large one. */
function patternOf(node: CelNode, argument: CelNode | undefined, { patterns }: Scope): Pattern {
  const text = textOf(argument)
  if (text === undefined) throw fault('pattern', 'the pattern of matches() must be a text in quotes', argument ?? node)
  const { patternProgram } = EXPRESSION_LIMITS
  const compiled = compilePattern(text)
  if (typeof compiled === 'string') throw fault('pattern', compiled, argument)
  const instructions = [compiled, ...patterns.values()].reduce((sum, pattern) => sum + pattern.instructions, 0)
  if (instructions <= patternProgram) return compiled
  throw fault('pattern', `the patterns repeat too much: ${instructions} instructions in all, at most ${patternProgram} are taken`, argument)
}

/** Whether a double holds this integer, and no other has the same double. */
const isExact = (literal: bigint) => Number.isSafeInteger(Number(literal))
const quoted = (name: string) => JSON.stringify(name)
