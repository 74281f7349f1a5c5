import { healthSchema } from '../../contracts/dist/answers.js'
import { calendarViewSchema } from '../../contracts/dist/calendar.js'
import { handlerViewSchema } from '../../contracts/dist/handler-view.js'
import {
  CALLS,
  type Call,
  ENDED_STATES,
  ERROR_CODES,
  HEADERS,
  HTTP_ROUTES,
  LIFECYCLE,
  LIMITS,
  REASONS,
  ROLES,
  RUN_EVENTS,
  RUN_STATES,
  SERVICE_CONSUMERS,
  STREAMS,
  TIMES,
} from '../../contracts/dist/index.js'
import { beatSchema, instanceViewSchema, registeredSchema } from '../../contracts/dist/instance.js'
import { jobViewSchema } from '../../contracts/dist/job.js'
import { jobChangeSchema, jobDeclaredSchema } from '../../contracts/dist/job-changes.js'
import { logMessageSchema, logViewSchema } from '../../contracts/dist/log.js'
import {
  journalEntrySchema,
  rejectedSchema,
  reportSchema,
  runEndedSchema,
  taskResultSchema,
  workSchema,
} from '../../contracts/dist/messages.js'
import {
  failureSchema,
  runsPrunedSchema,
  runTreeSchema,
  runViewSchema,
  startedRunSchema,
  taskViewSchema,
} from '../../contracts/dist/run.js'
import { SETTINGS } from '../../runtime/dist/config.js'
import { NATS_VARIABLES } from '../../wire/dist/internal/index.js'
import { commentsOfSchema } from './declarations.ts'
import { bytes, duration, fieldTable, table } from './markdown.ts'
import { fieldsOfSchema, type Schema, stageSchema, typeOf } from './schema-fields.ts'
import { logEventTable, metricTable } from './telemetry.ts'
import { COMMENTS } from './wire-schemas.ts'

/** What services answer: their heading, and their schema. */
const SHAPES: readonly (readonly [heading: string, schema: Schema])[] = [
  ['Started run', startedRunSchema],
  ['Run', runViewSchema],
  ['Task', taskViewSchema],
  ['Task result', taskResultSchema],
  ['Journal entry', journalEntrySchema],
  ['Pruned runs', runsPrunedSchema],
  ['Run tree', runTreeSchema],
  ['Run stage', stageSchema],
  ['Job', jobViewSchema],
  ['Job change', jobChangeSchema],
  ['Declared job', jobDeclaredSchema],
  ['Calendar', calendarViewSchema],
  ['Instance', instanceViewSchema],
  ['Handler', handlerViewSchema],
  ['Log line', logViewSchema],
  ['Registered', registeredSchema],
  ['Health', healthSchema],
  ['Failure', failureSchema],
]

/** What the schema of an answer does not say. */
const REMARKS: Readonly<Record<string, string>> = {
  'runs.list': ', without `payload`, `result` and the stack of `failure`: see `runs.get`',
  'runs.start': ', for each item, in order',
}

const code = (text: string) => `\`${text}\``
const pathOf = ({ noun, verb }: Call) => `${noun}.${verb}`

/** The generated parts of the documents, by the name in their marker. */
export const SECTIONS: Readonly<Record<string, () => string>> = {
  streams: streamTable,
  roles: roleTables,
  consumers: consumerTable,
  headers: () => headerTable(),
  limits: limitTable,
  times: timeTable,
  calls: callTable,
  'call-inputs': callInputs,
  shapes: () => SHAPES.map(shapeText).join('\n\n'),
  work: () => tableOf(workSchema),
  reports: reportTables,
  beat: () => tableOf(beatSchema),
  log: () => tableOf(logMessageSchema),
  'run-ended': () => tableOf(runEndedSchema),
  rejected: () => tableOf(rejectedSchema),
  states: stateTable,
  'state-diagram': stateDiagram,
  reasons: () =>
    table(
      ['Reason', 'Meaning'],
      Object.entries(REASONS).map(([reason, meaning]) => [code(reason), meaning]),
    ),
  errors: errorTable,
  settings: settingTable,
  'nats-settings': natsSettingTable,
  metrics: metricTable,
  'log-events': logEventTable,
}

const tableOf = (schema: Schema) => fieldTable(fieldsOfSchema(schema, COMMENTS.get(schema)))

function shapeText([heading, schema]: (typeof SHAPES)[number]): string {
  return `**${heading}**\n\n${tableOf(schema)}`
}

/** An answer by the heading of its shape, or by its fields. */
function answerOf(call: Call): string {
  const nameOf = (schema: Schema) => SHAPES.find(([, shape]) => shape === schema)?.[0]
  const { shape = {} } = call.answer._zod.def as { shape?: Readonly<Record<string, Schema>> }
  const item = shape['items'] && (shape['items']._zod.def as { element: Schema }).element
  const text = item ? `page of ${nameOf(item)}` : (nameOf(call.answer) ?? typeOf(call.answer))
  return `${text}${REMARKS[pathOf(call)] ?? ''}`
}

function streamTable(): string {
  const rows = Object.values(STREAMS).map((stream) => [
    code(stream.name),
    stream.subjects.map(code).join(', '),
    stream.description,
    stream.retention === 'workqueue' ? 'until acknowledged' : `${duration(stream.maxAgeMs)}, then gone`,
    `${bytes(stream.maxBytes)}, then ${stream.discard === 'new' ? 'refuses' : 'drops the oldest'}`,
    stream.onePerSubject ? 'yes' : '',
  ])
  return table(['Stream', 'Subjects', 'Holds', 'Keeps', 'Size', 'One a subject'], rows)
}

function consumerTable(): string {
  const shared = Object.entries(SERVICE_CONSUMERS).map(([stream, name]) => [code(stream), code(name), `the ${name}, together`])
  return table(
    ['Stream', 'Durable consumer', 'Read by'],
    [[code('WORK'), code('<namespace>~<handler>'), 'every executor of the handler'], ...shared],
  )
}

function headerTable(): string {
  const comments = commentsOfSchema(['HEADERS'])
  return table(
    ['Header', 'Meaning'],
    Object.entries(HEADERS).map(([key, name]) => [code(name), comments.get(key) ?? '']),
  )
}

function limitTable(): string {
  const comments = commentsOfSchema(['LIMITS'])
  const value = (name: string, size: number) =>
    name.endsWith('Bytes') ? bytes(size) : name.endsWith('Ms') ? duration(size) : size.toLocaleString('en-US')
  return table(
    ['Limit', 'Value', 'Of what, and why'],
    Object.entries(LIMITS).map(([name, size]) => [code(name), value(name, size), comments.get(name) ?? '']),
  )
}

function timeTable(): string {
  const comments = commentsOfSchema(['TIMES'])
  return table(
    ['Time', 'Value', 'Meaning'],
    Object.entries(TIMES).map(([name, ms]) => [code(name), duration(ms), comments.get(name) ?? '']),
  )
}

const REPEATABLE = { always: 'yes', 'with-identity': 'with an `id` or a `key` of each run', never: 'no' } as const

function callTable(): string {
  const rows = Object.values(CALLS as Record<string, Call>).map((call) => [
    code(`api.${pathOf(call)}`),
    call.service,
    call.description,
    answerOf(call),
    REPEATABLE[call.repeatable],
    duration(call.deadlineMs),
  ])
  return table(['Call', 'Service', 'Does', 'Answers', 'Repeatable', 'Deadline'], rows)
}

/** The input of each call; calls with the same fields share a table. */
function callInputs(): string {
  const byTable = new Map<string, string[]>()
  for (const call of Object.values(CALLS as Record<string, Call>)) {
    const fields = fieldsOfSchema(call.input, COMMENTS.get(call.input))
    const text = fields.length === 0 ? 'Nothing: `{}` or an empty body.' : fieldTable(fields)
    byTable.set(text, [...(byTable.get(text) ?? []), code(pathOf(call))])
  }
  return [...byTable].map(([text, calls]) => `${calls.join(', ')}\n\n${text}`).join('\n\n')
}

function reportTables(): string {
  return reportSchema.options
    .map((option) => {
      const fields = fieldsOfSchema(option, COMMENTS.get(option)).filter(({ name }) => name !== 'type')
      return `${typeOf(option.shape.type)}\n\n${fieldTable(fields)}`
    })
    .join('\n\n')
}

function stateTable(): string {
  const rows = RUN_EVENTS.map((event) => [code(event), ...RUN_STATES.map((state) => LIFECYCLE[event][state] ?? '')])
  return table(['Event', ...RUN_STATES.map(code)], rows)
}

function stateDiagram(): string {
  const edges = new Map<string, string[]>()
  for (const event of RUN_EVENTS)
    for (const [from, to] of Object.entries(LIFECYCLE[event])) {
      const events = edges.get(`${from} --> ${to}`) ?? []
      edges.set(`${from} --> ${to}`, [...events, event])
    }
  const drawn = [...edges].map(([edge, events]) => `  ${edge}: ${events.join(', ')}`)
  const born = ['waiting', 'delayed', 'queued', 'skipped'].map((state) => `  [*] --> ${state}`)
  const ended = ENDED_STATES.map((state) => `  ${state} --> [*]`)
  return ['```mermaid', 'stateDiagram-v2', ...born, ...drawn, ...ended, '```'].join('\n')
}

function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(([name, { meaning, retry, remedy }]) => [code(name), meaning, retry ? 'yes' : 'no', remedy])
  return table(['Code', 'Meaning', 'Retry', 'What to do'], rows)
}

function roleTables(): string {
  const rows = Object.entries(HTTP_ROUTES).map(([name, { method, path, role, everywhere }]) => {
    const { noun, verb, description } = CALLS[name as keyof typeof CALLS]
    return {
      role,
      cells: [code(`${noun}.${verb}`), code(`${method} ${path}`), `${description}${everywhere ? ' (in every namespace)' : ''}`],
    }
  })
  const sectionOf = (role: string) => {
    const own = rows.filter((row) => row.role === role).map(({ cells }) => cells)
    return `### ${role}\n\n${table(['Call', 'Route', 'Does'], own)}`
  }
  return ROLES.map(sectionOf).join('\n\n')
}

function natsSettingTable(): string {
  const rows = Object.entries(NATS_VARIABLES).map(([name, { field, meaning }]) => {
    const option = ['ca', 'cert', 'key', 'handshakeFirst'].includes(field) ? `tls.${field}` : field
    return [code(name), code(option), meaning]
  })
  return table(['Variable', 'Option of `connect`', 'Meaning'], rows)
}

function settingTable(): string {
  const rows = Object.entries(SETTINGS).map(([name, schema]) => {
    const { defaultValue } = schema.def as { defaultValue?: unknown }
    return [code(name), typeOf(schema), defaultValue === undefined ? '' : code(String(defaultValue)), schema.description ?? '']
  })
  return table(['Variable', 'Type', 'Default', 'Meaning'], rows)
}
