import { CarillonError, printable, RESERVED_NAMES } from '@carillon/contracts'
import * as z from 'zod'

/** More parameters than any input has fields. */
const PARAMETERS = 100

type Properties = Readonly<Record<string, unknown>>

/**
 * Reads queries as the call's input has their fields: numbers and booleans are text in a URL, and a list is a parameter that is repeated. What is no
 * such text is left to the schema.
 */
export function queryReader(input: z.ZodType): (query: unknown) => Record<string, unknown> {
  // Once a route: making a JSON Schema takes longer than a call.
  const { properties = {} } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })
  return (query) => typedQuery(query as Properties, properties)
}

/** @throws CarillonError INVALID_REQUEST: too many parameters, or the name of a key that every JavaScript object has */
function typedQuery(query: Properties, properties: Properties): Record<string, unknown> {
  const given = Object.entries(query)
  if (given.length > PARAMETERS)
    throw new CarillonError('INVALID_REQUEST', `The query has ${given.length} parameters, the limit is ${PARAMETERS}`, { field: 'query' })
  return Object.fromEntries(
    given.map(([name, value]) => {
      if (!RESERVED_NAMES.has(name)) return [name, typed(Object.hasOwn(properties, name) ? properties[name] : undefined, value)]
      throw new CarillonError('INVALID_REQUEST', `${printable(name)} is no parameter`, { field: 'query', value: printable(name) })
    }),
  )
}

function typed(schema: unknown, value: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return value
  const { type, const: only, items, anyOf } = schema as { type?: string; const?: unknown; items?: unknown; anyOf?: unknown[] }
  if (type === 'array') return (Array.isArray(value) ? value : [value]).map((one) => typed(items, one))
  if (anyOf) return anyOf.reduce((read, branch) => (read === value ? typed(branch, value) : read), value)
  if (typeof value !== 'string') return value
  if ((type === 'boolean' || only === true) && (value === 'true' || value === 'false')) return value === 'true'
  if ((type === 'integer' || type === 'number') && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value)
  return value
}
