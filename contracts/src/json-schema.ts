import * as z from 'zod'

/** `input`: what a sender may send; fields with a default are optional. `output`: what a reader receives. */
export type Direction = 'input' | 'output'
/** Descriptions of fields, by the schema of their object. */
export type FieldComments = ReadonlyMap<unknown, ReadonlyMap<string, string>>

/**
 * A schema of the wire as JSON Schema, by default draft 2020-12. Records are tolerant: fields that it does not name are allowed, as they may come from a
 * later version. Commands are strict.
 * @param options.comments become descriptions
 */
export function jsonSchemaOf(
  schema: z.ZodType,
  io: Direction,
  { comments = new Map(), target = 'draft-2020-12' }: { comments?: FieldComments; target?: 'draft-2020-12' | 'draft-07' } = {},
): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, {
    io,
    target,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      asOnTheWire(zodSchema, jsonSchema)
      for (const [field, description] of comments.get(zodSchema) ?? []) describe(jsonSchema.properties?.[field], description)
    },
  })
}

function asOnTheWire({ _zod: { def } }: z.core.$ZodTypes, json: z.core.JSONSchema.BaseSchema): void {
  // It belongs to the TypeScript type and means nothing on the wire.
  delete json.readOnly
  // Left out by zod of what is checked by a function first, as a `recordField` is.
  if (def.type === 'default') json.default ??= def.defaultValue as typeof json.default
  if (def.type === 'object' && def.catchall === undefined) delete json.additionalProperties
}

function describe(property: z.core.JSONSchema._JSONSchema | undefined, description: string): void {
  if (typeof property === 'object') property.description = description
}
