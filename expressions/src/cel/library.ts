/**
 * The only file that knows which library parses, type-checks and evaluates CEL. Everything else sees a syntax tree of `CelNode` and faults of
 * `CelFault`; what a node is made of is the shape of @marcbachmann/cel-js 8.0.0, and `bounds.test.ts` fails where another version differs.
 */
import { TypeError as CelTypeError, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js'
import { EXPRESSION_LIMITS } from '../limits.ts'
import type { Variables, VariableType } from '../variables.ts'

/** What a node does with the values of its operands. Which arguments there are depends on the operator. */
export type Handle = (...operands: unknown[]) => unknown

/** A node of the syntax tree. `args` depends on `op`; `childrenOf` knows how. */
export interface CelNode {
  readonly op: string
  readonly args: unknown
  readonly start: number
  /** Set by the type check on operators and calls. */
  handle?: Handle
  readonly meta: { readonly alternate?: CelNode }
  setMeta(key: 'evaluate', evaluate: (evaluator: CelEvaluator, node: CelNode, context: unknown) => unknown): CelNode
}

export interface CelEvaluator {
  run(node: CelNode, context: unknown): unknown
  debugType(value: unknown): unknown
  debugTypeDeep(value: unknown): unknown
  tryEval(node: CelNode, context: unknown): unknown
}

/** What an evaluator asks when `&&`, `||` or a quantifier goes on after an error of an operand: it throws when that is no longer allowed. */
export type OnSwallowed = () => void

/** What was wrong with an expression, and where: an offset into its text. */
export interface CelFault {
  readonly code: string
  readonly summary: string
  readonly at: number | undefined
}

export interface CelProgram {
  readonly root: CelNode
  /** The type of the result, in the words of CEL; throws what `faultOf` reads. */
  check(): string
  /** Variables by name. Throws what `faultOf` reads. */
  evaluate(variables: ReadonlyMap<string, unknown>): unknown
}

/** A numeric member may be compared with a whole number, which CEL refuses of a static `double`; hence the dynamic type. */
const NUMBER = 'dyn<double>'
const TYPES = { any: 'dyn', text: 'string', number: NUMBER, boolean: 'bool', 'map of text': 'map<string, string>' } as const

export type CelEnvironment = (text: string, maxNodes: number) => CelProgram

/** Parses texts that may use these variables. Making one takes about 100 µs: keep it. */
export function createEnvironment(variables: Variables, onSwallowed: OnSwallowed): CelEnvironment {
  const byLimit = new Map<number, Environment>()
  return (text, maxNodes) => {
    const environment = byLimit.get(maxNodes) ?? newEnvironment(variables, { maxNodes, onSwallowed })
    byLimit.set(maxNodes, environment)
    const parsed = environment.parse(text)
    return {
      root: parsed.ast as unknown as CelNode,
      check: () => {
        const { valid, type, error } = parsed.check()
        if (!valid) throw error
        return type as string
      },
      evaluate: (values) => parsed(values),
    }
  }
}

interface EnvironmentOptions {
  readonly maxNodes: number
  readonly onSwallowed: OnSwallowed
}

function newEnvironment(variables: Variables, { maxNodes, onSwallowed }: EnvironmentOptions): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: maxNodes, maxDepth: EXPRESSION_LIMITS.depth },
  })
  for (const [name, type] of Object.entries(variables)) declare(environment, name, type)
  environment.registerFunction('matches(string, string): bool', () => false, { async: false })
  mixNumbers(environment)
  adaptEvaluator(environment, onSwallowed)
  return environment
}

function declare(environment: Environment, name: string, type: VariableType): void {
  if (typeof type === 'string') environment.registerVariable(name, TYPES[type])
  else environment.registerVariable({ name, schema: Object.fromEntries(type.map((member) => [member, NUMBER])) })
}

/**
 * Numbers of JSON are doubles, those in an expression whole numbers, and CEL has no operators for both. These give what JSON means: the result
 * is a double, and a division is exact.
 */
function mixNumbers(environment: Environment): void {
  for (const [left, right] of [
    ['double', 'int'],
    ['int', 'double'],
  ]) {
    environment.registerOperator(`${left} + ${right}: double`, (a, b) => Number(a) + Number(b))
    environment.registerOperator(`${left} - ${right}: double`, (a, b) => Number(a) - Number(b))
    environment.registerOperator(`${left} * ${right}: double`, (a, b) => Number(a) * Number(b))
    environment.registerOperator(`${left} / ${right}: double`, (a, b) => Number(a) / Number(b))
    environment.registerOperator(`${left} % ${right}: double`, remainder)
  }
  environment.registerOperator('double % double: double', remainder)
}

/** The library hands the node on as a third argument. */
function remainder(a: number | bigint, b: number | bigint, node?: CelNode): number {
  const [left, right] = [Number(a), Number(b)]
  if (!Number.isInteger(left) || !Number.isInteger(right)) throw fault('not_whole', 'a remainder (%) needs whole numbers', node)
  if (right === 0) throw fault('modulo_by_zero', 'modulo by zero', node)
  return left % right
}

/**
 * Changes two things of the evaluator, which can be reached by an operator's handle alone. It makes a type for each shape of lists and maps that it
 * meets (`list<map<string, list<double>>>`) and keeps it for ever, so that payloads could fill the memory: it is to see `list` and `map` only.
 * And it goes on after any error of an operand of `&&`, `||` and of a quantifier, at some 20 µs each.
 */
function adaptEvaluator(environment: Environment, onSwallowed: OnSwallowed): void {
  const probe = environment.parse('dyn(1) + dyn(1)')
  probe.check()
  const root = probe.ast as unknown as CelNode
  root.handle = (...operands) => {
    const evaluator = operands[3] as CelEvaluator
    evaluator.debugTypeDeep = evaluator.debugType
    evaluator.tryEval = (node, context) => {
      try {
        return evaluator.run(node, context)
      } catch (error) {
        onSwallowed()
        return error
      }
    }
    return true
  }
  probe()
}

/** An error of an expression, thrown while it is checked or evaluated. */
export function fault(code: string, summary: string, node?: CelNode): Error {
  return new EvaluationError({ code, message: summary, ...(node === undefined ? {} : { node: node as never }) })
}

/** A summary may contain a value of a payload. */
const SUMMARY_LENGTH = 200

/** What an error of the library says, or undefined if it is none. */
export function faultOf(error: unknown): CelFault | undefined {
  const isFault = error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError
  if (!isFault) return undefined
  const summary = `${error.summary.charAt(0).toLowerCase()}${error.summary.slice(1, SUMMARY_LENGTH)}`.replaceAll(NUMBER, 'double')
  return { code: error.code, summary, at: error.range?.start }
}
