import * as answers from '../../contracts/dist/answers.js'
import * as calendar from '../../contracts/dist/calendar.js'
import * as httpRequest from '../../contracts/dist/http-request.js'
import { CALLS, type Call, jsonSchemaOf, MESSAGES, type Message } from '../../contracts/dist/index.js'
import * as instance from '../../contracts/dist/instance.js'
import * as job from '../../contracts/dist/job.js'
import * as log from '../../contracts/dist/log.js'
import * as messages from '../../contracts/dist/messages.js'
import * as run from '../../contracts/dist/run.js'
import * as workflow from '../../contracts/dist/workflow.js'
import { commentsOfSchema } from './declarations.ts'
import type { Schema } from './schema-fields.ts'

/** Schemas by the constant that declares them. */
const DECLARED = Object.entries({
  ...answers,
  ...calendar,
  ...httpRequest,
  ...instance,
  ...job,
  ...log,
  ...messages,
  ...run,
  ...workflow,
}).filter(isSchema)
/** Constants whose fields are spread into these, and bring their comments along. */
const SPREAD: Readonly<Record<string, readonly string[]>> = {
  jobInputSchema: ['planFields', 'policyFields'],
  startRunSchema: ['planFields', 'policyFields'],
  presenceSchema: ['registerSchema'],
  instanceViewSchema: ['registerSchema', 'presenceSchema'],
  runTreeSchema: ['treeNodeSchema'],
  workflowSchema: ['policyFields', 'commonFields', 'handlerNodeSchema'],
  httpNodeRequestSchema: ['requestFields'],
  httpRequestSchema: ['requestFields'],
}

function isSchema(entry: readonly [string, unknown]): entry is [string, Schema] {
  return entry[0].endsWith('Schema') && typeof entry[1] === 'object' && entry[1] !== null && '_zod' in entry[1]
}

/** The comments of every schema that has a name, of the alternatives of a union, and of objects within. */
export const COMMENTS: ReadonlyMap<unknown, ReadonlyMap<string, string>> = new Map(
  DECLARED.flatMap(([name, schema]) => {
    const comments = commentsOfSchema([...(SPREAD[name] ?? []), name])
    return [schema, ...within(schema)].map((one) => [one, comments] as const)
  }),
)

/** Alternatives, and objects that are declared in their place. */
function within({ _zod: { def } }: Schema): Schema[] {
  const { options = [], shape = {} } = def as { options?: readonly Schema[]; shape?: Readonly<Record<string, Schema>> }
  const named = new Set(DECLARED.map(([, schema]) => schema))
  const fields = Object.values(shape)
    .map(bare)
    .flatMap((field) => [field, ...((field._zod.def as { options?: readonly Schema[] }).options ?? [])])
    .filter((field) => 'shape' in (field._zod.def as object) && !named.has(field))
  return [...options, ...fields]
}

function bare(schema: Schema): Schema {
  const { innerType, element } = schema._zod.def as { innerType?: Schema; element?: Schema }
  const inner = innerType ?? element
  return inner ? bare(inner) : schema
}

/** The JSON Schemas of everything on the wire, by the name of their file in docs/schemas. */
export function schemaFiles(): Map<string, string> {
  const files = new Map<string, string>()
  const add = (name: string, title: string, schema: object) => {
    const { $schema, ...rest } = schema as { $schema: string }
    files.set(`${name}.json`, `${JSON.stringify({ $schema, $id: `urn:carillon:${name}`, title, ...rest }, null, 2)}\n`)
  }
  for (const { noun, verb, description, input, answer } of Object.values(CALLS as Record<string, Call>)) {
    add(`${noun}.${verb}.request`, `${noun}.${verb}: ${description}`, jsonSchemaOf(input, 'input', { comments: COMMENTS }))
    add(`${noun}.${verb}.answer`, `The answer of ${noun}.${verb}`, jsonSchemaOf(answer, 'output', { comments: COMMENTS }))
  }
  for (const [name, { description, schema, from }] of Object.entries(MESSAGES as Record<string, Message>))
    add(name, description, jsonSchemaOf(schema, from === 'executor' ? 'input' : 'output', { comments: COMMENTS }))
  return files
}
