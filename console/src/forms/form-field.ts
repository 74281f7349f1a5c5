import { isObject } from './exact-json.ts'

/** What every field has. */
interface FieldBase {
  readonly title?: string
  readonly description?: string
  /** It may be null. */
  readonly isNullable: boolean
  readonly default?: unknown
}
export interface TextField extends FieldBase {
  readonly kind: 'text'
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  /** Shown, and not checked here: an expression of someone else may take for ever. */
  readonly pattern?: string
}
export interface NumberField extends FieldBase {
  readonly kind: 'number'
  readonly isInteger: boolean
  readonly minimum?: number
  readonly maximum?: number
  readonly moreThan?: number
  readonly lessThan?: number
}
export interface BooleanField extends FieldBase {
  readonly kind: 'boolean'
}
export interface ChoiceField extends FieldBase {
  readonly kind: 'choice'
  readonly options: readonly unknown[]
}
export interface ConstantField extends FieldBase {
  readonly kind: 'constant'
  readonly value: unknown
}
export interface Member {
  readonly name: string
  readonly field: FormField
  readonly isRequired: boolean
}
export interface ObjectField extends FieldBase {
  readonly kind: 'object'
  readonly members: readonly Member[]
  /** Whether it may have members that the schema does not name. */
  readonly isOpen: boolean
}
export interface ListField extends FieldBase {
  readonly kind: 'list'
  readonly item: FormField
  readonly minItems?: number
  readonly maxItems?: number
}
export interface VariantsField extends FieldBase {
  readonly kind: 'variants'
  readonly variants: readonly FormField[]
}
/** What has no field of its own: it is edited as JSON. */
export interface JsonField extends FieldBase {
  readonly kind: 'json'
}
/** A field of a form, made from a JSON Schema. Nothing is compiled: the content policy forbids it. */
export type FormField =
  | TextField
  | NumberField
  | BooleanField
  | ChoiceField
  | ConstantField
  | ObjectField
  | ListField
  | VariantsField
  | JsonField

type Schema = Readonly<Record<string, unknown>>

/** Schemas within one another: what is deeper, or leads back to itself, is edited as JSON. */
const DEEPEST = 8
/** Fields of one form: more of them are no form. */
const MOST_FIELDS = 300

interface Reading {
  readonly root: unknown
  /** Fields that are left. */
  left: number
}

/** The form of a JSON Schema: the subset that `z.toJSONSchema` emits, and what is like it; the rest is edited as JSON. */
export function formOf(schema: unknown): FormField {
  return fieldOf(schema, 0, { root: schema, left: MOST_FIELDS })
}

function fieldOf(given: unknown, depth: number, reading: Reading): FormField {
  const schema = resolved(given, reading.root)
  if (schema === undefined || depth > DEEPEST || reading.left-- <= 0) return { kind: 'json', isNullable: true }
  const about = aboutOf(schema)
  const field = plainField(schema, depth, reading)
  return { ...field, ...about, isNullable: field.isNullable || about.isNullable }
}

function plainField(schema: Schema, depth: number, reading: Reading): FormField {
  const isNullable = false
  if ('const' in schema)
    return schema['const'] === null ? { kind: 'json', isNullable: true } : { kind: 'constant', value: schema['const'], isNullable }
  if (Array.isArray(schema['enum'])) {
    const options = schema['enum'].filter((option) => option !== null)
    return { kind: 'choice', options, isNullable: options.length < schema['enum'].length }
  }
  const choices = schema['oneOf'] ?? schema['anyOf']
  if (Array.isArray(choices) && !('properties' in schema)) return choiceField(choices, depth, reading)
  const types = typesOf(schema)
  if (types.length > 1)
    return choiceField(
      types.map((type) => ({ ...schema, type })),
      depth,
      reading,
    )
  switch (types[0]) {
    case 'string':
      return textField(schema)
    case 'number':
    case 'integer':
      return numberField(schema, types[0])
    case 'boolean':
      return { kind: 'boolean', isNullable }
    case 'object':
      return objectField(schema, depth, reading)
    case 'array':
      return isObject(schema['items']) && !('prefixItems' in schema)
        ? { kind: 'list', item: fieldOf(schema['items'], depth + 1, reading), isNullable, ...numbers(schema, ['minItems', 'maxItems']) }
        : { kind: 'json', isNullable }
    default:
      return { kind: 'json', isNullable: true }
  }
}

/** `type` may be left out where members or items say it. */
function typesOf(schema: Schema): string[] {
  const { type } = schema
  if (typeof type === 'string') return [type]
  if (Array.isArray(type)) return type.filter((one): one is string => typeof one === 'string')
  if ('properties' in schema) return ['object']
  return 'items' in schema ? ['array'] : []
}

function choiceField(choices: readonly unknown[], depth: number, reading: Reading): FormField {
  const isNull = (choice: unknown) => isObject(choice) && (choice['type'] === 'null' || ('const' in choice && choice['const'] === null))
  const others = choices.filter((choice) => !isNull(choice))
  const isNullable = others.length < choices.length
  if (others.length === 0) return { kind: 'json', isNullable: true }
  if (others.every((other) => isObject(other) && 'const' in other))
    return { kind: 'choice', options: others.map((other) => (other as Schema)['const']), isNullable }
  const variants = others.map((other) => fieldOf(other, depth + 1, reading))
  const [only] = variants
  if (variants.length === 1 && only) return { ...only, isNullable: isNullable || only.isNullable }
  return { kind: 'variants', variants, isNullable }
}

function textField(schema: Schema): TextField {
  const { format, pattern } = schema
  return {
    ...{ kind: 'text', isNullable: false },
    ...(typeof format === 'string' ? { format } : {}),
    ...(typeof pattern === 'string' && format === undefined ? { pattern } : {}),
    ...numbers(schema, ['minLength', 'maxLength']),
  }
}

function numberField(schema: Schema, type: string): NumberField {
  const { exclusiveMinimum: moreThan, exclusiveMaximum: lessThan } = numbers(schema, ['exclusiveMinimum', 'exclusiveMaximum'])
  const { minimum, maximum } = numbers(schema, ['minimum', 'maximum'])
  return {
    ...{ kind: 'number', isInteger: type === 'integer', isNullable: false },
    // What zod says of every integer says nothing.
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
    ...(moreThan === undefined ? {} : { moreThan }),
    ...(lessThan === undefined ? {} : { lessThan }),
  }
}

function objectField(schema: Schema, depth: number, reading: Reading): FormField {
  const { properties, required, additionalProperties } = schema
  if (!isObject(properties)) return { kind: 'json', isNullable: false }
  const names = Array.isArray(required) ? required : []
  return {
    kind: 'object',
    members: Object.entries(properties).map(([name, member]) => ({
      name,
      field: fieldOf(member, depth + 1, reading),
      isRequired: names.includes(name),
    })),
    isOpen: additionalProperties !== false,
    isNullable: false,
  }
}

function aboutOf(schema: Schema): FieldBase {
  const { title, description } = schema
  return {
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    ...('default' in schema ? { default: schema['default'] } : {}),
    isNullable: schema['nullable'] === true,
  }
}

function numbers<Name extends string>(schema: Schema, names: readonly Name[]): { [Key in Name]?: number } {
  return Object.fromEntries(names.flatMap((name) => (typeof schema[name] === 'number' ? [[name, schema[name]]] : []))) as {
    [Key in Name]?: number
  }
}

/** References within the schema; others, and circles of references, have no schema here. */
function resolved(given: unknown, root: unknown): Schema | undefined {
  let schema = given
  for (let step = 0; step < DEEPEST; step++) {
    if (!isObject(schema)) return undefined
    const { $ref, allOf, ...rest } = schema
    if (typeof $ref === 'string') {
      const target = targetOf($ref, root)
      schema = isObject(target) ? { ...target, ...rest } : undefined
    } else if (Array.isArray(allOf) && allOf.length === 1) schema = isObject(allOf[0]) ? { ...allOf[0], ...rest } : undefined
    else if (Array.isArray(allOf)) return merged(allOf, rest, root)
    else return schema
  }
  return undefined
}

function targetOf(reference: string, root: unknown): unknown {
  if (!reference.startsWith('#')) return undefined
  let target = root
  for (const step of reference
    .slice(1)
    .split('/')
    .filter((part) => part !== '')) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isObject(target) || !Object.hasOwn(target, name)) return undefined
    target = target[name]
  }
  return target
}

/** An object that is the sum of several. */
function merged(parts: readonly unknown[], rest: Schema, root: unknown): Schema | undefined {
  const schemas = [...parts, rest].map((part) => (part === rest ? rest : resolved(part, root)))
  const isEvery = schemas.every((schema) => schema !== undefined && (schema === rest || isObject(schema['properties'])))
  if (!isEvery) return undefined
  const all = schemas as Schema[]
  return {
    ...rest,
    type: 'object',
    properties: Object.assign({}, ...all.map((schema) => schema['properties'])),
    required: all.flatMap((schema) => (Array.isArray(schema['required']) ? schema['required'] : [])),
  }
}
