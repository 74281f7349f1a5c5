import { jsonSchemaOf } from '../../contracts/dist/index.js'
import { jobInputSchema } from '../../contracts/dist/job.js'
import { workflowSchema } from '../../contracts/dist/workflow.js'
import { COMMENTS } from './wire-schemas.ts'

/** What a workflow has no use for: its nodes are its tasks. */
const OF_OTHER_JOBS = ['handler', 'mode', 'shards', 'items', 'maxParallel', 'tolerate'] as const
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
    definitions: { node: { oneOf: node.anyOf } },
  }
  return `${JSON.stringify(whole, null, 2)}\n`
}

const draft07 = (schema: Parameters<typeof jsonSchemaOf>[0]) =>
  jsonSchemaOf(schema, 'input', { comments: COMMENTS, target: 'draft-07' }) as unknown as ObjectSchema
