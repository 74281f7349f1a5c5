import { isExactNumber, isObject, isSameJson, UnfinishedJson } from './exact-json.ts'
import type { FormField, ObjectField } from './form-field.ts'

/** Where a value is: names of members and places in lists. */
export type Path = readonly (string | number)[]

/** The value at a path; undefined: there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let part = value
  for (const step of path) {
    if (Array.isArray(part) && typeof step === 'number') part = part[step]
    else if (isObject(part) && Object.hasOwn(part, step)) part = part[step as string]
    else return undefined
  }
  return part
}

/** The same value with another one at a path. What stands beside it is kept as it is. @param next undefined: the member is left out */
export function withValueAt(value: unknown, path: Path, next: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return next
  if (typeof step === 'number') {
    const list = Array.isArray(value) ? [...value] : []
    list[step] = withValueAt(list[step], rest, next)
    return list
  }
  const members = isObject(value) ? value : {}
  const member = withValueAt(Object.hasOwn(members, step) ? members[step] : undefined, rest, next)
  if (member === undefined) return Object.fromEntries(Object.entries(members).filter(([name]) => name !== step))
  // A member that is called __proto__ is one like others.
  return Object.fromEntries(
    Object.hasOwn(members, step)
      ? Object.entries(members).map(([name, old]) => [name, name === step ? member : old])
      : [...Object.entries(members), [step, member]],
  )
}

/** The same list without one of its items. */
export const withoutItem = (list: readonly unknown[], place: number): unknown[] => list.filter((_, i) => i !== place)

/** The value that a new form begins with: what must be there is there, what may be left out is left out. */
export function initialValue(field: FormField): unknown {
  if (field.default !== undefined) return structuredClone(field.default)
  switch (field.kind) {
    case 'constant':
      return field.value
    case 'object':
      return Object.fromEntries(
        field.members.flatMap(({ name, field: member, isRequired }) => {
          const value = isRequired || member.default !== undefined ? initialValue(member) : undefined
          return value === undefined ? [] : [[name, value]]
        }),
      )
    case 'list':
      return Array.from({ length: field.minItems ?? 0 }, () => initialValue(field.item) ?? null)
    case 'boolean':
      return false
    case 'variants':
      return field.variants[0] ? initialValue(field.variants[0]) : undefined
    case 'json':
      return null
    default:
      return undefined
  }
}

/** Why a value does not fit its field. */
export type FormProblemKind =
  | 'missing'
  | 'wrong-type'
  | 'not-whole'
  | 'too-small'
  | 'too-large'
  | 'too-short'
  | 'too-long'
  | 'too-few'
  | 'too-many'
  | 'not-a-choice'
  | 'unknown-member'
  | 'not-json'
export interface FormProblem {
  readonly path: Path
  readonly kind: FormProblemKind
  /** The limit that is passed. */
  readonly limit?: number
}

/** What is wrong with a value, as far as can be said here; the executor that is given it checks the rest. */
export function problemsOf(field: FormField, value: unknown, path: Path = []): FormProblem[] {
  if (value === undefined) return [{ path, kind: 'missing' }]
  if (value instanceof UnfinishedJson) return [{ path, kind: 'not-json' }]
  if (value === null && field.isNullable) return []
  const problem = (kind: FormProblemKind, limit?: number): FormProblem[] => [{ path, kind, ...(limit === undefined ? {} : { limit }) }]
  switch (field.kind) {
    case 'json':
      return []
    case 'boolean':
      return typeof value === 'boolean' ? [] : problem('wrong-type')
    case 'constant':
      return isSameJson(value, field.value) ? [] : problem('not-a-choice')
    case 'choice':
      return field.options.some((option) => isSameJson(option, value)) ? [] : problem('not-a-choice')
    case 'text': {
      if (typeof value !== 'string') return problem('wrong-type')
      const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = field
      if (value.length < minLength) return problem('too-short', minLength)
      return value.length > maxLength ? problem('too-long', maxLength) : []
    }
    case 'number':
      return numberProblems(field, value, problem)
    case 'object':
      return objectProblems(field, value, path)
    case 'list': {
      if (!Array.isArray(value)) return problem('wrong-type')
      const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = field
      if (value.length < minItems) return problem('too-few', minItems)
      if (value.length > maxItems) return problem('too-many', maxItems)
      return value.flatMap((item, i) => problemsOf(field.item, item, [...path, i]))
    }
    case 'variants':
      return problemsOf(field.variants[variantOf(field.variants, value)] as FormField, value, path)
  }
}

function numberProblems(
  { isInteger, minimum, maximum, moreThan, lessThan }: Extract<FormField, { kind: 'number' }>,
  value: unknown,
  problem: (kind: FormProblemKind, limit?: number) => FormProblem[],
): FormProblem[] {
  if (!isExactNumber(value)) return problem('wrong-type')
  const number = Number(String(value))
  if (isInteger && !/^-?\d+$/.test(String(value)) && !Number.isInteger(number)) return problem('not-whole')
  if (minimum !== undefined && number < minimum) return problem('too-small', minimum)
  if (moreThan !== undefined && number <= moreThan) return problem('too-small', moreThan)
  if (maximum !== undefined && number > maximum) return problem('too-large', maximum)
  return lessThan !== undefined && number >= lessThan ? problem('too-large', lessThan) : []
}

function objectProblems(field: ObjectField, value: unknown, path: Path): FormProblem[] {
  if (!isObject(value)) return [{ path, kind: 'wrong-type' }]
  const known = field.members.flatMap(({ name, field: member, isRequired }) => {
    const own = Object.hasOwn(value, name) ? value[name] : undefined
    return own === undefined && !isRequired ? [] : problemsOf(member, own, [...path, name])
  })
  const names = new Set(field.members.map(({ name }) => name))
  const unknown = field.isOpen ? [] : Object.keys(value).filter((name) => !names.has(name))
  return [...known, ...unknown.map((name): FormProblem => ({ path: [...path, name], kind: 'unknown-member' }))]
}

/** Which of several forms a value has: the one with the fewest problems, of which constants count most: they are there to tell. */
export function variantOf(variants: readonly FormField[], value: unknown): number {
  const costs = variants.map((variant) =>
    problemsOf(variant, value).reduce((sum, { kind }) => sum + (kind === 'not-a-choice' || kind === 'wrong-type' ? 100 : 1), 0),
  )
  return Math.max(0, costs.indexOf(Math.min(...costs)))
}

/** Members of an object that its form has no field for: they are kept, and edited as JSON. */
export function unknownMembers({ members }: ObjectField, value: unknown): Record<string, unknown> {
  const names = new Set(members.map(({ name }) => name))
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name))) : {}
}

/** The text of a path as errors of the mesh name it: `payload.customer.0`. */
export const pathText = (prefix: string, path: Path): string => [prefix, ...path].filter((part) => part !== '').join('.')

/** Problems of an answer by the field that shows them: the deepest one that there is. @param shown paths of fields, as text */
export function placeProblems<Problem extends { readonly field: string }>(
  problems: readonly Problem[],
  shown: ReadonlySet<string>,
): { readonly byField: ReadonlyMap<string, readonly Problem[]>; readonly rest: readonly Problem[] } {
  const byField = new Map<string, Problem[]>()
  const rest: Problem[] = []
  for (const problem of problems) {
    const steps = problem.field.split('.')
    let field: string | undefined
    for (let length = steps.length; length > 0 && field === undefined; length--) {
      const candidate = steps.slice(0, length).join('.')
      if (shown.has(candidate)) field = candidate
    }
    if (field === undefined) rest.push(problem)
    else byField.set(field, [...(byField.get(field) ?? []), problem])
  }
  return { byField, rest }
}
