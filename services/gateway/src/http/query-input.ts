import * as z from 'zod'

/** The fields of a query as the call's input has them: numbers and booleans are text in a URL. What is no such text is left to the schema. */
export function queryInput(input: z.ZodType, query: unknown): Record<string, unknown> {
  const { properties = {} } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })
  return Object.fromEntries(Object.entries(query as Record<string, unknown>).map(([name, value]) => [name, typed(properties[name], value)]))
}

function typed(schema: unknown, value: unknown): unknown {
  if (typeof value !== 'string' || typeof schema !== 'object' || schema === null) return value
  const { type, const: only } = schema as { type?: string; const?: unknown }
  if ((type === 'boolean' || only === true) && (value === 'true' || value === 'false')) return value === 'true'
  if ((type === 'integer' || type === 'number') && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value)
  return value
}
