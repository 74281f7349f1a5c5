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

/** What a schema refuses: it ends the task, reason `invalid-payload`, whatever tries are left. */
export class PayloadRefused extends Error {
  override readonly name = 'InvalidPayload'
}

/** Hands on what a schema makes of a value, at once where the schema needs no time. @throws PayloadRefused */
export function checkedBy<Result>(schema: StandardSchema, value: unknown, use: (checked: unknown) => Result): Result | Promise<Result> {
  const pass = (checked: SchemaResult<unknown>) => {
    if (checked.issues) throw new PayloadRefused(issuesText(checked.issues))
    return use(checked.value)
  }
  const checked = schema['~standard'].validate(value)
  return isThenable(checked)
    ? Promise.resolve(checked as Promise<SchemaResult<unknown>>).then(pass)
    : pass(checked as SchemaResult<unknown>)
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value instanceof Promise || (typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function')
  )
}

/** What a schema makes of a payload. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** The JSON Schema of what `schema` takes, where it can be had: some types have none. */
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
