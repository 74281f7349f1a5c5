import { jobInputSchema, jsonSchemaOf, workflowSchema } from '@carillon/contracts'

/** What a workflow has no use for: its nodes are its tasks. */
const OF_OTHER_JOBS = ['handler', 'mode', 'shards', 'items', 'maxParallel', 'tolerate'] as const
const TEXT = { type: 'string', description: 'A duration: 500ms, 10m, 1h30m, 2d.', maxLength: 64 }
const NODE = { $ref: '#/definitions/node' }

interface ObjectSchema {
  $schema?: string
  properties: Record<string, object>
  required?: string[]
  additionalProperties?: unknown
}

type Schema = Parameters<typeof jsonSchemaOf>[0]
type Comments = Parameters<typeof jsonSchemaOf>[2]

/**
 * The JSON Schema of a workflow as a file, in both of its forms. Draft 07: editors with a YAML language server know no later one.
 * @param comments descriptions of fields, where they are known
 */
export function workflowSchemaText(comments: Comments = {}): string {
  const draft07 = (schema: Schema) => jsonSchemaOf(schema, 'input', { ...comments, target: 'draft-07' }) as unknown as ObjectSchema
  const job = draft07(jobInputSchema)
  for (const field of [...OF_OTHER_JOBS, 'workflow']) delete job.properties[field]
  const { properties: options, required = [] } = withTexts(job) as ObjectSchema
  const graph = draft07(workflowSchema)
  const { items: node, ...nodes } = graph.properties['nodes'] as { items: { anyOf: readonly object[] } }
  graph.properties['nodes'] = { ...nodes, items: NODE }
  delete graph.$schema
  const common = { $schema: { type: 'string' }, ...options }
  const whole = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:carillon:workflow',
    title: 'A workflow of Carillon: its graph beside the options of its job, or a job with the member workflow',
    type: 'object',
    if: { required: ['workflow'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { ...common, workflow: graph }, required: [...required, 'workflow'], additionalProperties: false },
    else: { properties: { ...common, ...graph.properties }, required: [...required, 'nodes'], additionalProperties: false },
    definitions: { node: { oneOf: node.anyOf.map(withTexts) } },
  }
  return `${JSON.stringify(whole, null, 2)}\n`
}

/** `timeoutMs` may be `timeout`: a duration as text. So may any field whose name ends in Ms, lists of them too. */
function withTexts(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withTexts)
  if (!isObject(schema)) return schema
  const all = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, withTexts(value)])) as Partial<ObjectSchema>
  const timed = Object.entries(all.properties ?? {}).filter(([name]) => name.endsWith('Ms'))
  if (timed.length === 0) return all
  const texts = timed.map(([name, value]) => [shortOf(name), 'items' in value ? { ...value, items: TEXT } : TEXT])
  const needed = (all.required ?? []).filter((name) => name.endsWith('Ms'))
  const either = needed.map((name) => ({ oneOf: [{ required: [name] }, { required: [shortOf(name)] }] }))
  const required = (all.required ?? []).filter((name) => !needed.includes(name))
  return {
    ...all,
    properties: { ...all.properties, ...Object.fromEntries(texts) },
    ...(all.required ? { required } : {}),
    ...(either.length > 0 ? { allOf: either } : {}),
  }
}

const shortOf = (name: string) => name.replace(/Ms$/, '')

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
