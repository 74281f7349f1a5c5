import { CarillonError, messageOf, printable } from '@carillon/contracts'
import { type CelEnvironment, type CelFault, type CelProgram, createEnvironment, faultOf } from './cel/library.ts'
import { membersOf } from './cel/members.ts'
import { Meter, meterTree } from './cel/meter.ts'
import { readValues } from './cel/read-values.ts'
import { restrict } from './cel/restrict.ts'
import type { Expression, Outcome, ResultOf } from './expression.ts'
import { EXPRESSION_LIMITS } from './limits.ts'
import { expressionError, hintFor, type Subject } from './mistakes.ts'
import { checkResultType } from './result-types.ts'
import { booleanOf, jsonOf, keyOf } from './results.ts'
import type { ExpressionKind, ExpressionPlace, Variables } from './variables.ts'

/** Where an expression stands, and how that field is called in an error. */
export interface ExpressionField extends ExpressionPlace {
  readonly field: string
}

const RESULTS = { boolean: booleanOf, key: keyOf, list: jsonOf, value: jsonOf } as const

/** What all expressions over the same variables share: an evaluation is never interrupted by another, so one meter counts for all. */
interface Shared {
  readonly parse: CelEnvironment
  readonly meter: Meter
}
const environments = new WeakMap<Variables, Shared>()

/**
 * Parses and type-checks an expression. This is done before it is stored, so that what is stored can be evaluated.
 * @throws CarillonError INVALID_EXPRESSION with field, expression, place and what would be right
 */
export function compileExpression<const Field extends ExpressionField>(text: unknown, field: Field): Expression<Field['kind']> {
  const accepted = acceptText(text, field)
  const subject = { field: field.field, text: accepted }
  const { parse, meter } = environmentOf(field.variables)
  try {
    const program = parse(accepted, field.maxNodes ?? EXPRESSION_LIMITS.nodes)
    const patterns = restrict(program.root, field.variables)
    checkResultType(program.root, program.check(), field.kind)
    meterTree(program.root, meter, patterns)
    return expressionOf({ subject, program, meter, ...field })
  } catch (error) {
    const fault = faultOf(error) ?? unknownFault(error)
    throw expressionError('INVALID_EXPRESSION', subject, { ...fault, hint: hintFor(fault, accepted, field.variables) })
  }
}

/** What the library throws of `[].all(x, x > 0)`, and of any defect: whatever is wrong, such a text cannot be stored. */
function unknownFault(error: unknown): CelFault {
  const isAmbiguous = messageOf(error).includes('overlaps with')
  const summary = isAmbiguous ? 'the type of an operand is not known: it is an element of an empty list or map' : messageOf(error)
  return { code: 'unknown', summary, at: undefined }
}

function acceptText(text: unknown, { field, maxTextBytes = EXPRESSION_LIMITS.textBytes }: ExpressionField): string {
  const refusal = (what: string, hint: string) =>
    new CarillonError('INVALID_EXPRESSION', `${field} ${what}`, { field, value: printable(text, 60), hint })
  if (typeof text !== 'string') throw refusal('is not a text', "Write the expression as a text, such as 'payload.total > 100'.")
  // A letter has three bytes at most: a text of megabytes is not counted.
  const bytes = text.length > maxTextBytes ? text.length : Buffer.byteLength(text)
  if (bytes > maxTextBytes) throw refusal(`has ${bytes} bytes`, `Use at most ${maxTextBytes} bytes.`)
  if (text.trim() === '') throw refusal('is empty', 'Leave it out, or write an expression.')
  return text
}

function environmentOf(variables: Variables): Shared {
  const known = environments.get(variables)
  if (known !== undefined) return known
  const meter = new Meter()
  const made = { meter, parse: createEnvironment(variables, () => meter.swallow()) }
  environments.set(variables, made)
  return made
}

interface Compiled {
  readonly subject: Subject
  readonly program: CelProgram
  readonly meter: Meter
  readonly kind: ExpressionKind
  readonly variables: Variables
  readonly maxCost?: number
}

function expressionOf<Kind extends ExpressionKind>(compiled: Compiled): Expression<Kind> {
  const { subject, program, meter, kind, variables, maxCost = EXPRESSION_LIMITS.cost } = compiled
  const read = membersOf(program.root, variables)
  const evaluate = (given: Readonly<Record<string, unknown>>): Outcome<ResultOf<Kind>> => {
    meter.reset(maxCost)
    try {
      const result = program.evaluate(readValues(given, read, { variables, meter }))
      return { ok: true, value: RESULTS[kind](result, (units) => meter.spend(units)) as ResultOf<Kind> }
    } catch (error) {
      if (!meter.isExhausted) return withoutResult(error, compiled) as Outcome<ResultOf<Kind>>
    }
    return { ok: false, error: expressionError('EXPRESSION_FAILED', subject, tooCostly(maxCost)) }
  }
  const membersRead = (variable: string) => {
    const members = read.get(variable)
    return members ? [...members.keys()] : read.has(variable) ? 'all' : []
  }
  return { text: subject.text, membersRead, evaluate }
}

/** A key that reads a member that is missing is no key; anything else has failed. */
function withoutResult(error: unknown, { subject, kind, variables }: Compiled): Outcome<undefined> {
  const fault = faultOf(error)
  if (fault === undefined) {
    return { ok: false, error: expressionError('EXPRESSION_FAILED', subject, { summary: messageOf(error), at: undefined }) }
  }
  if (kind === 'key' && MISSING.has(fault.code)) return { ok: true, value: undefined }
  const hint = hintFor(fault, subject.text, variables)
  return { ok: false, error: expressionError('EXPRESSION_FAILED', subject, { ...fault, hint }) }
}

/** A member or an element that is not there. */
const MISSING = new Set(['no_such_key', 'index_out_of_bounds'])

const tooCostly = (cost: number) => ({
  summary: `it takes more than ${cost.toLocaleString('en-US')} units of work`,
  at: undefined,
  hint: 'Read less of the payload, and go through shorter lists.',
})
