import { jsonSchemaOf, VERSION } from '@carillon/contracts'
import type { ZodType } from 'zod'
import type { HttpController, Route, RouteAbout } from './http-controller.ts'
import { PROBLEM_SCHEMA } from './problem.ts'

type Json = Readonly<Record<string, unknown>>
type Described = Route & { readonly about: RouteAbout }

/** A document by OpenAPI 3.1, as far as pages and tests read it. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Json>> }
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly [string]
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: Json }[]
  readonly requestBody?: Json
  readonly responses: Json
  readonly security?: readonly Json[]
}

const DESCRIPTION =
  'Everything that a mesh does, over HTTP. Errors are problem details (RFC 9457) with a code of the catalogue at /api/docs/errors. Lists have a `next` cursor, ' +
  'also in the header Link. Answers may get further fields: ignore those that you do not know.'

/** The OpenAPI document of all routes that say what they are about, made of the schemas by which requests are checked. */
export function openApiDocument(controllers: readonly HttpController[]): OpenApiDocument {
  const routes = controllers.flatMap((controller) => controller.routes).filter((route): route is Described => route.about !== undefined)
  const schemas = new NamedSchemas()
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) {
    const operations = paths[route.path] ?? {}
    paths[route.path] = operations
    operations[route.method.toLowerCase()] = operationOf(route, schemas)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Carillon',
      version: VERSION,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    } as OpenApiDocument['info'],
    servers: [{ url: '/' }],
    security: [{ token: [] }, { session: [] }],
    tags: [...new Set(routes.map(({ about }) => about.tag))].sort().map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: PROBLEM_SCHEMA, ...schemas.all() },
      responses: {
        Problem: {
          description: 'What is wrong',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token, `car_…`' },
        session: { type: 'apiKey', in: 'cookie', name: 'carillon', description: 'The session of a browser' },
      },
    },
  } as OpenApiDocument
}

const ROLES_TEXT: Readonly<Record<string, string>> = { account: 'For everyone who is signed in.', anyone: 'For anyone.' }

function operationOf({ path, allowed, about }: Described, schemas: NamedSchemas): Operation {
  const fields = [...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => field as string)
  const typeName = capital(about.id)
  const body = about.body && withoutFields(jsonSchemaOf(about.body, 'input') as Json, fields)
  return {
    operationId: about.id,
    summary: about.summary,
    description: ROLES_TEXT[allowed] ?? `Needs the role ${allowed}.`,
    tags: [about.tag],
    parameters: [
      ...pathParameters(fields),
      ...(about.query ? queryParameters(about.query, fields, (schema) => schemas.withNames(about.tag, schema)) : []),
      ...headerParameters(about),
    ],
    ...(body && hasFields(body)
      ? {
          requestBody: {
            required: isRequired(body),
            content: jsonContent(schemas.add(`${typeName}Request`, schemas.withNames(about.tag, body))),
          },
        }
      : {}),
    responses: {
      [String(about.status ?? 200)]: answerOf(about, typeName, schemas),
      ...(about.otherStatus ? { [String(about.otherStatus)]: answerOf(about, typeName, schemas) } : {}),
      '4XX': { $ref: '#/components/responses/Problem' },
      '5XX': { $ref: '#/components/responses/Problem' },
    },
    ...(allowed === 'anyone' ? { security: [] } : {}),
  }
}

function answerOf({ answer, contentType, status }: RouteAbout, typeName: string, schemas: NamedSchemas): Json {
  if (status === 204) return { description: 'Done' }
  if (status === 303) return { description: 'Leads on', headers: { Location: { schema: { type: 'string' } } } }
  const schema = answer ? schemas.add(`${typeName}Answer`, jsonSchemaOf(answer, 'output') as Json) : {}
  return { description: 'The answer', content: contentType ? { [contentType]: { schema } } : jsonContent(schema) }
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
const jsonContent = (schema: Json): Json => ({ 'application/json': { schema } })

function pathParameters(fields: readonly string[]): Operation['parameters'] {
  return fields.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
}

function queryParameters(query: ZodType, fields: readonly string[], withNames: (schema: Json) => Json): Operation['parameters'] {
  const { required = [], ...schema } = jsonSchemaOf(query, 'input')
  const { properties = {} } = withNames(schema as Json) as { properties?: Json }
  return Object.entries(properties)
    .filter(([name]) => !fields.includes(name))
    .map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema: schema as Json }))
}

const headerParameters = ({ headers = {} }: RouteAbout): Operation['parameters'] =>
  Object.entries(headers).map(([name, description]) => ({ name, in: 'header', required: false, description, schema: { type: 'string' } }))

interface ObjectSchema {
  readonly $schema?: string
  readonly properties?: Json
  readonly required?: readonly string[]
  /** Of our inputs: which of its fields it has. */
  readonly oneOf?: readonly { readonly required?: readonly string[] }[]
}

/** An object without those of its fields that are in the path. */
function withoutFields(schema: Json, fields: readonly string[]): Json {
  const { properties, required, $schema: _, oneOf, ...rest } = schema as ObjectSchema
  if (properties === undefined) return oneOf === undefined ? rest : { ...rest, oneOf }
  const isInPath = (name: string) => fields.includes(name)
  // Of fields that exclude each other one is in the path: there is no choice left, and no place for the others.
  const isChosen = oneOf?.some((branch) => branch.required?.every(isInPath)) ?? false
  const excluded = isChosen ? (oneOf?.flatMap((branch) => branch.required ?? []) ?? []) : []
  const left = Object.fromEntries(Object.entries(properties).filter(([name]) => !isInPath(name) && !excluded.includes(name)))
  const needed = (required ?? []).filter((name) => !isInPath(name))
  return {
    ...rest,
    ...(oneOf === undefined || isChosen ? {} : { oneOf }),
    properties: left,
    ...(needed.length > 0 ? { required: needed } : {}),
  }
}

const hasFields = (schema: Json): boolean => schema['properties'] === undefined || Object.keys(schema['properties'] as Json).length > 0
const isRequired = ({ required, oneOf }: ObjectSchema): boolean =>
  required !== undefined || (oneOf?.every((branch) => branch.required !== undefined) ?? false)

/** The schemas of the document by name; equal ones have one. */
class NamedSchemas {
  readonly #names = new Map<string, string>()
  readonly #schemas = new Map<string, Json>()

  /** @returns a reference to it */
  add(name: string, { $schema: _, ...schema }: Json): Json {
    const text = JSON.stringify(schema)
    const there = this.#names.get(text) ?? name
    this.#names.set(text, there)
    this.#schemas.set(there, schema)
    return { $ref: `#/components/schemas/${there}` }
  }

  /**
   * The schema with references in place of values that may be given singly or as a list: generators of clients give both types the same name, unless
   * the values have one.
   */
  withNames(tag: string, schema: Json): Json {
    const named = (field: string, value: unknown): unknown => {
      if (Array.isArray(value)) return value.map((one) => named(field, one))
      if (typeof value !== 'object' || value === null) return value
      const { anyOf, ...rest } = value as { anyOf?: readonly Json[] }
      const single = anyOf?.find(({ enum: values }) => values !== undefined)
      const list = anyOf?.find(({ items }) => JSON.stringify(items) === JSON.stringify(single))
      if (single === undefined || list === undefined)
        return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, named(name, one)]))
      const reference = this.add(capital(tag) + capital(field), single)
      return { ...rest, anyOf: [reference, { ...list, items: reference }] }
    }
    return named('', schema) as Json
  }

  all(): Record<string, Json> {
    return Object.fromEntries(this.#schemas)
  }
}
