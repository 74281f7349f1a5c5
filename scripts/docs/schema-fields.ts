import { refusalSchema } from '../../contracts/dist/answers.js'
import { timeField } from '../../contracts/dist/fields.js'
import { beatSchema } from '../../contracts/dist/instance.js'
import { jobViewSchema } from '../../contracts/dist/job.js'
import { journalEntrySchema, runEndedSchema } from '../../contracts/dist/messages.js'
import { toleranceField } from '../../contracts/dist/plan.js'
import {
  failureSchema,
  progressSchema,
  reasonField,
  runTreeSchema,
  startedRunSchema,
  stateField,
  taskViewSchema,
} from '../../contracts/dist/run.js'
import type { Field } from './declarations.ts'

/** A zod schema: what the contracts export. */
export interface Schema {
  readonly _zod: { readonly def: unknown }
}

/** A schema as zod keeps it: what is read here is documented as `_zod.def`. */
interface Definition {
  readonly type: string
  readonly innerType?: Schema
  readonly defaultValue?: unknown
  readonly element?: Schema
  readonly valueType?: Schema
  readonly options?: readonly Schema[]
  readonly entries?: Readonly<Record<string, string>>
  readonly values?: readonly unknown[]
  readonly in?: Schema
  readonly out?: Schema
  readonly shape?: Readonly<Record<string, Schema>>
  readonly checks?: readonly { readonly _zod: { readonly def: Check } }[]
}

interface Check {
  readonly check: string
  readonly params?: { readonly code?: string }
  readonly value?: number | bigint
  readonly inclusive?: boolean
  readonly minimum?: number
  readonly maximum?: number
}

const definitionOf = (schema: Schema) => schema._zod.def as Definition

/** What a refined `unknown` holds, by the code of its refusal. */
const CODED: Readonly<Record<string, string>> = {
  INVALID_NAME: 'name',
  INVALID_DELAY: 'milliseconds',
  INVALID_DATE: 'time',
  INVALID_CALENDAR: 'day',
  INVALID_REQUEST: 'object of any JSON',
}

/** Tasks of a run that were made together. */
export const stageSchema = runTreeSchema.shape.stages.unwrap().element

/** Schemas that the documents explain elsewhere, in their words. */
const NAMED: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [stateField, '[state](STATES.md)'],
  [runEndedSchema.shape.state, '[state](STATES.md)'],
  [reasonField, '[reason](STATES.md#reasons)'],
  [failureSchema, 'failure'],
  [progressSchema, '`{ percent, note? }`'],
  [timeField, 'time'],
  [toleranceField, 'integer, or a share such as `5%`'],
  [beatSchema, 'as in a beat'],
  [stageSchema, 'Run stage'],
  [taskViewSchema, 'Task'],
  [journalEntrySchema, 'Journal entry'],
  [startedRunSchema, 'Started run'],
  [jobViewSchema, 'Job'],
  [refusalSchema, '`{"error":{…}}`'],
])

/** Fields that mean the same wherever they are. */
const COMMON: Readonly<Record<string, string>> = {
  cursor: 'The `next` of the page before.',
  limit: 'Entries of a page.',
  id: 'An id made by the caller.',
  seq: "Order within a task's attempt, from 1.",
}

/** The fields that an object schema takes. */
export function fieldsOfSchema(schema: Schema, comments: ReadonlyMap<string, string> = new Map()): Field[] {
  return Object.entries(definitionOf(schema).shape ?? {}).map(([name, field]) => {
    const { isOptional, defaultValue } = presence(field)
    const byDefault = defaultValue === undefined ? '' : `Default \`${JSON.stringify(defaultValue)}\`.`
    const meaning = [comments.get(name) ?? COMMON[name], byDefault].filter(Boolean).join(' ')
    return { name, type: typeOf(field), required: !isOptional, meaning }
  })
}

function presence(schema: Schema): { isOptional: boolean; defaultValue: unknown } {
  const { type, innerType, defaultValue } = definitionOf(schema)
  if (type === 'default') return { isOptional: true, defaultValue }
  return { isOptional: type === 'optional' || (type === 'catch' && innerType !== undefined), defaultValue: undefined }
}

/** A type in words short enough for a table. */
export function typeOf(schema: Schema): string {
  const named = NAMED.get(schema)
  if (named !== undefined) return named
  const definition = definitionOf(schema)
  const { type, innerType, element, valueType, options, entries, values } = definition
  if (innerType) return typeOf(innerType)
  if (type === 'unknown') return CODED[codeOf(definition) ?? ''] ?? 'any JSON'
  if (type === 'array') return `array of ${typeOf(element as Schema)}${range(definition)}`
  if (type === 'record') return `object of ${typeOf(valueType as Schema)}`
  if (type === 'object') return objectText(schema)
  if (type === 'union') return isJson(options) ? 'any JSON' : (options ?? []).map(typeOf).join(' or ')
  if (type === 'enum')
    return Object.values(entries ?? {})
      .map(code)
      .join(', ')
  if (type === 'literal') return (values ?? []).map(code).join(', ')
  // What a function looks at before its schema does has the type of that schema.
  if (type === 'pipe')
    return typeOf((definitionOf(definition.in as Schema).type === 'transform' ? definition.out : definition.in) as Schema)
  if (type === 'lazy' || type === 'json') return 'any JSON'
  const isWhole =
    (definition as { format?: string }).format === 'safeint' || checksOf(definition).some(({ check }) => check === 'number_format')
  return `${isWhole ? 'integer' : type}${range(definition)}`
}

function objectText(schema: Schema): string {
  const fields = fieldsOfSchema(schema).map(({ name, type, required }) => `${name}${required ? '' : '?'}: ${short(type)}`)
  return `\`{ ${fields.join(', ')} }\``
}

/** Within an object, ranges would read like further fields. */
function short(type: string): string {
  const text = type.replaceAll('`, `', ' | ').replaceAll('`', '')
  return text.includes('{') ? text : (text.split(', ')[0] ?? '')
}

/** `z.json()` is a union of everything that JSON can say. */
const isJson = (options: readonly Schema[] = []) => options.some((option) => definitionOf(option).type === 'null')

const checksOf = ({ checks = [] }: Definition): Check[] => checks.map(({ _zod }) => _zod.def)
const codeOf = (definition: Definition) => checksOf(definition).find(({ params }) => params?.code)?.params?.code
const code = (value: unknown) => `\`${value}\``

function range(definition: Definition): string {
  const checks = checksOf(definition)
  const bound = (kinds: readonly string[]) => {
    const found = checks.find(({ check }) => kinds.includes(check))
    return found?.value ?? found?.minimum ?? found?.maximum
  }
  const [least, most] = [bound(['greater_than', 'min_length']), bound(['less_than', 'max_length'])]
  const of = definition.type === 'string' || definition.type === 'array' ? (definition.type === 'string' ? ' letters' : ' items') : ''
  if (least !== undefined && most !== undefined) return `, ${number(least)} to ${number(most)}${of}`
  if (least === 1 && most === undefined && definition.type === 'string') return ', not empty'
  if (most !== undefined) return `, at most ${number(most)}${of}`
  return least === undefined ? '' : `, from ${number(least)}${of}`
}

const number = (value: number | bigint) => value.toLocaleString('en-US')
