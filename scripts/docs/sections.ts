import {
  beatSchema,
  CALLS,
  type Call,
  ENDED_STATES,
  ERROR_CODES,
  HEADERS,
  LIFECYCLE,
  LIMITS,
  logMessageSchema,
  presenceSchema,
  REASONS,
  RUN_EVENTS,
  RUN_STATES,
  reportSchema,
  SERVICE_CONSUMERS,
  STREAMS,
  TIMES,
} from '../../contracts/dist/index.js'
import { SETTINGS } from '../../runtime/dist/config.js'
import { NATS_VARIABLES } from '../../wire/dist/index.js'
import { commentsOfSchema, fieldsOfInterface } from './declarations.ts'
import { bytes, duration, fieldTable, table } from './markdown.ts'
import { fieldsOfSchema, type Schema, typeOf } from './schema-fields.ts'
import { logEventTable, metricTable } from './telemetry.ts'

/** What a call answers, as the documents name it, and the constants whose comments explain its input. */
const CALL_DETAILS: Readonly<Record<string, { answer: string; declarations?: readonly string[] }>> = {
  'jobs.put': { answer: 'Job', declarations: ['planFields', 'policyFields', 'jobInputSchema'] },
  'jobs.get': { answer: 'Job' },
  'jobs.list': { answer: 'page of Job' },
  'jobs.pause': { answer: 'Job' },
  'jobs.resume': { answer: 'Job' },
  'jobs.remove': { answer: '`{"removed":true}`' },
  'jobs.run': { answer: 'Started run', declarations: ['planFields', 'policyFields', 'startRunSchema'] },
  'runs.start': { answer: '`{"runs":[…]}`: for each item, in order, a Started run or `{"error":…}`' },
  'runs.get': { answer: 'Run' },
  'runs.list': {
    answer: 'page of Run, without `payload`, `result` and the stack of `failure`: see `runs.get`',
    declarations: ['listRunsSchema'],
  },
  'runs.tasks': { answer: 'page of Task' },
  'runs.tree': { answer: 'Run tree' },
  'runs.cancel': { answer: 'Run' },
  'runs.retry': { answer: 'Run' },
  'runs.prune': { answer: 'Pruned runs', declarations: ['pruneRunsSchema'] },
  'tasks.claim': { answer: '`{"run":true,"attempt":n}` or `{"run":false,"reason":"…"}`', declarations: ['claimSchema'] },
  'tasks.map': { answer: '`{"created":n}`', declarations: ['mapSchema'] },
  'tasks.results': { answer: 'page of Task result' },
  'tasks.step': { answer: '`{"stored":…}`: the Journal entry that counts', declarations: ['stepSchema'] },
  'tasks.journal': { answer: 'page of Journal entry', declarations: ['journalSchema'] },
  'coordinator.health': { answer: 'Health' },
  'coordinator.rebuild': { answer: '`{"published":n}`' },
  'instances.register': { answer: 'Registered', declarations: ['registerSchema'] },
  'instances.leave': { answer: '`{"left":true}`' },
  'instances.list': { answer: 'page of Instance' },
  'registry.health': { answer: 'Health' },
  'logs.query': { answer: 'page of Log line', declarations: ['queryLogsSchema'] },
  'logger.health': { answer: 'Health' },
}

/** Objects that services answer or publish: their heading, and the interface that declares them. */
const SHAPES: readonly (readonly [heading: string, interfaceName: string, inherited?: Schema])[] = [
  ['Started run', 'StartedRun'],
  ['Run', 'RunView'],
  ['Task', 'TaskView'],
  ['Task result', 'TaskResult'],
  ['Journal entry', 'JournalEntry'],
  ['Pruned runs', 'RunsPruned'],
  ['Run tree', 'RunTree'],
  ['Run stage', 'RunStage'],
  ['Job', 'JobView'],
  ['Instance', 'InstanceView', presenceSchema],
  ['Log line', 'LogView', logMessageSchema.shape.lines.element],
  ['Registered', 'Registered'],
  ['Health', 'ServiceHealth'],
]

const code = (text: string) => `\`${text}\``
const pathOf = ({ noun, verb }: Call) => `${noun}.${verb}`

/** The generated parts of the documents, by the name in their marker. */
export const SECTIONS: Readonly<Record<string, () => string>> = {
  streams: streamTable,
  consumers: consumerTable,
  headers: () => headerTable(),
  limits: limitTable,
  times: timeTable,
  calls: callTable,
  'call-inputs': callInputs,
  shapes: () => SHAPES.map(shapeText).join('\n\n'),
  work: () => fieldTable(fieldsOfInterface('WorkMessage')),
  reports: reportTables,
  beat: () => fieldTable(fieldsOfSchema(beatSchema, commentsOfSchema(['beatSchema']))),
  log: () => fieldTable(fieldsOfSchema(logMessageSchema, commentsOfSchema(['logMessageSchema']))),
  'run-ended': () => fieldTable(fieldsOfInterface('RunEndedEvent')),
  rejected: () => fieldTable(fieldsOfInterface('RejectedEvent')),
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

function shapeText([heading, name, inherited]: (typeof SHAPES)[number]): string {
  const own = fieldsOfInterface(name)
  const others = inherited ? fieldsOfSchema(inherited).filter((field) => !own.some((other) => other.name === field.name)) : []
  return `**${heading}**\n\n${fieldTable([...others.map((field) => ({ ...field, required: true })), ...own])}`
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
    detailsOf(call).answer,
    REPEATABLE[call.repeatable],
    duration(call.deadlineMs),
  ])
  return table(['Call', 'Service', 'Does', 'Answers', 'Repeatable', 'Deadline'], rows)
}

function detailsOf(call: Call) {
  const details = CALL_DETAILS[pathOf(call)]
  if (!details) throw new Error(`say in CALL_DETAILS what ${pathOf(call)} answers`)
  return details
}

/** The input of each call; calls with the same fields share a table. */
function callInputs(): string {
  const byTable = new Map<string, string[]>()
  for (const call of Object.values(CALLS as Record<string, Call>)) {
    const fields = fieldsOfSchema(call.input, commentsOfSchema(detailsOf(call).declarations ?? []))
    const text = fields.length === 0 ? 'Nothing: `{}` or an empty body.' : fieldTable(fields)
    byTable.set(text, [...(byTable.get(text) ?? []), code(pathOf(call))])
  }
  return [...byTable].map(([text, calls]) => `${calls.join(', ')}\n\n${text}`).join('\n\n')
}

function reportTables(): string {
  const comments = commentsOfSchema(['reportSchema'])
  return reportSchema.options
    .map(
      (option) => `${typeOf(option.shape.type)}\n\n${fieldTable(fieldsOfSchema(option, comments).filter(({ name }) => name !== 'type'))}`,
    )
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
  const born = ['delayed', 'queued', 'skipped'].map((state) => `  [*] --> ${state}`)
  const ended = ENDED_STATES.map((state) => `  ${state} --> [*]`)
  return ['```mermaid', 'stateDiagram-v2', ...born, ...drawn, ...ended, '```'].join('\n')
}

function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(([name, { meaning, retry, remedy }]) => [code(name), meaning, retry ? 'yes' : 'no', remedy])
  return table(['Code', 'Meaning', 'Retry', 'What to do'], rows)
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
