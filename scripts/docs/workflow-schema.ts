import { jsonSchemaOf, WRITTEN_DURATIONS } from '../../contracts/dist/index.js'
import { jobInputSchema } from '../../contracts/dist/job.js'
import { workflowSchema } from '../../contracts/dist/workflow.js'
import { COMMENTS } from './wire-schemas.ts'

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

/** The JSON Schema of a workflow as a file, in both of its forms. Draft 07: editors with a YAML language server know no later one. */
export function workflowSchemaText(): string {
  const { properties: options, required = [] } = draft07(jobInputSchema)
  for (const field of [...OF_OTHER_JOBS, 'workflow']) delete options[field]
  const graph = draft07(workflowSchema)
  const { items: node, ...nodes } = graph.properties['nodes'] as { items: { anyOf: readonly object[] } }
  graph.properties['nodes'] = { ...nodes, items: NODE }
  delete graph.$schema
  const common = { $schema: { type: 'string' }, ...options, ...Object.fromEntries(WRITTEN_DURATIONS.map((name) => [name, TEXT])) }
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

/** `timeoutMs` may be `timeout`, and `durationMs` `duration`: a duration as text. */
function withTexts(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.flatMap((one: unknown) => [withTexts(one), ...inText(one)])
  if (!isObject(schema)) return schema
  const all = Object.entries(schema).map(([name, value]): [string, unknown] => {
    const inner = withTexts(value)
    return [name, name === 'properties' && isObject(inner) && 'timeoutMs' in inner ? { ...inner, timeout: TEXT } : inner]
  })
  return Object.fromEntries(all)
}

function inText(schema: unknown): object[] {
  const isWait = isObject(schema) && 'properties' in schema && isObject(schema.properties) && 'durationMs' in schema.properties
  return isWait ? [{ ...schema, properties: { duration: TEXT }, required: ['duration'] }] : []
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const draft07 = (schema: Parameters<typeof jsonSchemaOf>[0]) =>
  jsonSchemaOf(schema, 'input', { comments: COMMENTS, target: 'draft-07' }) as unknown as ObjectSchema
