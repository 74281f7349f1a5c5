import { CarillonError, printable } from '@carillon/contracts'

/** A schema of any library that follows https://standardschema.dev: zod, valibot, arktype and others. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
    /** Standard JSON Schema, where the library has it. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown> } | undefined
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
      }[]
    }

/** A payload that its schema refuses: it ends the task, reason `invalid-payload`, without a retry. */
export class PayloadRefused extends Error {
  override readonly name = 'InvalidPayload'
}

/** A result that its schema refuses: it ends the task, reason `invalid-result`. */
export class ResultRefused extends Error {
  override readonly name = 'InvalidResult'
}

/** Passes on the output of a schema, synchronously where the schema is. @throws PayloadRefused */
export function checkedBy<Result>(schema: StandardSchema, value: unknown, use: (checked: unknown) => Result): Result | Promise<Result> {
  const checked = schema['~standard'].validate(value)
  return isThenable(checked)
    ? Promise.resolve(checked as Checking).then((outcome) => use(acceptedOf(outcome, PayloadRefused)))
    : use(acceptedOf(checked as SchemaResult<unknown>, PayloadRefused))
}

/** The output of a schema for a result, synchronously where the schema is. @throws ResultRefused */
export function checkedResult(schema: StandardSchema, result: unknown): unknown {
  const checked = schema['~standard'].validate(result)
  return isThenable(checked)
    ? Promise.resolve(checked as Checking).then((outcome) => acceptedOf(outcome, ResultRefused))
    : acceptedOf(checked as SchemaResult<unknown>, ResultRefused)
}

type Checking = Promise<SchemaResult<unknown>>

function acceptedOf(outcome: SchemaResult<unknown>, Refused: typeof PayloadRefused | typeof ResultRefused): unknown {
  if (outcome.issues) throw new Refused(issuesText(outcome.issues))
  return outcome.value
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value instanceof Promise || (typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function')
  )
}

/** The output type of a schema. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** The input type of a schema. */
export type SchemaInput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input']

/** The JSON Schema of the input of `schema`, if there is one: some types have none. */
export function jsonSchemaOf(schema: StandardSchema | undefined): Record<string, unknown> | undefined {
  try {
    return schema?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' })
  } catch {
    return undefined
  }
}

/** The issues of a refused payload in one line: `to: Invalid email address; count: …`. */
function issuesText(issues: NonNullable<SchemaResult<unknown>['issues']>): string {
  return issues
    .slice(0, 20)
    .map(({ message, path = [] }) => {
      const where = path.map((key) => String(typeof key === 'object' ? key.key : key)).join('.')
      return where === '' ? message : `${where}: ${message}`
    })
    .join('; ')
}

/** @throws CarillonError INVALID_REQUEST for what is no schema; undefined is allowed */
export function checkSchema(field: string, schema: StandardSchema | undefined): void {
  if (schema === undefined || typeof schema?.['~standard']?.validate === 'function') return
  const hint = 'Pass a schema that follows Standard Schema, such as one of zod.'
  throw new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(schema)}`, { field, value: printable(schema), hint })
}
