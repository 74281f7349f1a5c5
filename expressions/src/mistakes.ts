import { CarillonError, type ErrorCode, printable } from '@carillon/contracts'
import { FUNCTIONS } from './cel/functions.ts'
import type { CelFault } from './cel/library.ts'
import type { Variables } from './variables.ts'

/** What is said about an expression: of which field, and which text. */
export interface Subject {
  /** Such as `schedule.filter`. */
  readonly field: string
  readonly text: string
}

/** Letters that are shown on each side of a place. */
const SHOWN = 60

/** An error of an expression, with the line and a mark under the place; both are cut. */
export function expressionError(
  code: ErrorCode,
  { field, text }: Subject,
  { summary, at, hint }: Omit<CelFault, 'code'> & { hint?: string | undefined },
) {
  const place = at === undefined ? undefined : placeOf(text, at)
  const where = place === undefined ? '' : ` at ${place.name}\n${place.shown}`
  const verb = code === 'INVALID_EXPRESSION' ? 'is wrong' : 'failed'
  return new CarillonError(code, `${field} ${verb}: ${plain(summary)}${where}`, { field, value: printable(text), hint })
}

/** A text of somebody else, without what a terminal would obey. */
const plain = (text: string) => text.replace(/\p{Cc}/gu, ' ')

function placeOf(text: string, at: number): { readonly name: string; readonly shown: string } {
  const before = text.slice(0, at).split('\n')
  const line = text.split('\n')[before.length - 1] as string
  const column = (before.at(-1) as string).length
  const from = Math.max(0, column - SHOWN)
  const to = column + SHOWN
  const cut = `${from > 0 ? '…' : ''}${line.slice(from, to)}${line.length > to ? '…' : ''}`
  const mark = `${' '.repeat(column - from + (from > 0 ? 1 : 0))}^`
  const name = before.length === 1 ? `column ${column + 1}` : `line ${before.length}, column ${column + 1}`
  return { name, shown: `  ${plain(cut)}\n  ${mark}` }
}

/** What would be right, where it can be known. */
export function hintFor({ code, summary, at = 0 }: CelFault, text: string, variables: Variables): string | undefined {
  if (code === 'unknown_variable') return variablesHint(variables)
  if (code === 'unknown_function') return `The functions are ${Object.keys(FUNCTIONS).join(', ')}.`
  if (code === 'no_such_key') return membersHint(text, at, variables) ?? 'A member may be missing: test it with has(…).'
  if (code === 'no_matching_overload') return usageHint(summary)
  if (code === 'no_such_overload')
    return / \+ /.test(summary)
      ? 'Use string(…) to make a text of a number.'
      : 'Compare values of one type; int(…), double(…) and string(…) convert.'
  if (code === 'result_type') return RESULT_HINTS.find(([type]) => summary.includes(type))?.[1]
  return OTHER_LANGUAGES.find(([, before, after]) => before.test(text.slice(0, at)) && after.test(text.slice(at)))?.[0]
}

const RESULT_HINTS: readonly (readonly [string, string])[] = [
  ['true or false', "Compare it with something, such as payload.total > 100 or payload.state == 'paid'."],
  ['must be a list', 'Name a list, such as nodes.reserve.result.parcels, or make one with [ ] or map().'],
  ['a text, a number', 'Name a member, such as payload.tenant, or make a text of several with +.'],
]

/** What is written otherwise elsewhere: the hint, and what stands before and after the place. */
const OTHER_LANGUAGES: readonly (readonly [string, RegExp, RegExp])[] = [
  ['Use == to compare.', /(^|[^=!<>])$/, /^=([^=]|$)/],
  ['Use == to compare.', /[=!]=$/, /^=/],
  ['Use && for "and".', /$/, /^(and\b|AND\b|&([^&]|$))/],
  ['Use || for "or".', /$/, /^(or\b|OR\b|\|([^|]|$))/],
  ['Use ! for "not".', /\bnot\s+$/i, /^/],
  ['Write the expression itself, without a template around it.', /^\s*$/, /^[$#]/],
]

function variablesHint(variables: Variables): string {
  const names = Object.keys(variables)
  return names.length === 1
    ? `The only variable here is ${names[0]}.`
    : `The variables here are ${names.join(', ')}. Texts stand in quotes.`
}

function membersHint(text: string, at: number, variables: Variables): string | undefined {
  const owner = Object.entries(variables).find(
    ([name, type]) => typeof type !== 'string' && text.slice(0, at).trimEnd().endsWith(`${name}.`),
  )
  return owner === undefined ? undefined : `${owner[0]} has ${(owner[1] as readonly string[]).join(', ')}.`
}

function usageHint(summary: string): string | undefined {
  const name = /(\w+)\([^(]*$/.exec(summary)?.[1]
  const usage = name !== undefined && Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  return usage === undefined ? undefined : `Write ${usage}.`
}
