import { CarillonError, printable } from '@carillon/contracts'
import type { GateRecord } from './gate-records.ts'
import type { CalendarHead, CalendarRecord, JobChangeRecord } from './job-records.ts'
import type { DeadLetterHead, DeadLetterRecord } from './letter-records.ts'
import type { LogRecord } from './log-records.ts'
import type {
  CoordinatorRecord,
  JobRecord,
  RunArrival,
  RunHead,
  RunPlace,
  RunRecord,
  StepRecord,
  TaskHead,
  TaskLife,
  TaskRecord,
  TaskResultRecord,
} from './records.ts'
import type { SignalRecord } from './signal-records.ts'
import type { OpenRun, OpenTask, RollupRecord } from './stats-records.ts'

/**
 * How a field is stored. `json` is an object of a contract, stored as JSON text so that no engine sees keys that it could misread; `error` is one that is
 * read without its stack.
 */
export type ColumnKind = 'text' | 'number' | 'json' | 'error'
export type Columns<Item> = { readonly [Key in keyof Item]-?: ColumnKind }
export type StoredValue = string | number | null

export const LIFE_COLUMNS = {
  state: 'text',
  reason: 'text',
  attempt: 'number',
  attempts: 'number',
  losses: 'number',
  interruptions: 'number',
  owner: 'text',
  ownerSession: 'text',
  target: 'text',
  wakeAt: 'number',
  delayMs: 'number',
  queuedAt: 'number',
  progress: 'json',
  result: 'text',
  error: 'json',
  startedAt: 'number',
  endedAt: 'number',
  resume: 'json',
  firstStartedAt: 'number',
  sleeps: 'number',
  waits: 'json',
  program: 'text',
  pinnedAt: 'number',
  refusedBy: 'json',
} as const satisfies Columns<TaskLife>

export const RUN_COLUMNS = {
  id: 'text',
  namespace: 'text',
  job: 'text',
  handler: 'text',
  mode: 'text',
  plan: 'json',
  items: 'text',
  trigger: 'text',
  key: 'text',
  asked: 'json',
  slot: 'number',
  payload: 'text',
  backoff: 'json',
  tries: 'number',
  timeoutMs: 'number',
  routing: 'json',
  terms: 'json',
  traceparent: 'text',
  by: 'text',
  createdAt: 'number',
  share: 'number',
  ...LIFE_COLUMNS,
  gate: 'text',
  gateKey: 'text',
  gateOrder: 'number',
  graph: 'text',
  parentTask: 'text',
  generations: 'json',
  compensation: 'text',
} as const satisfies Columns<RunRecord>

export const TASK_COLUMNS = {
  id: 'text',
  namespace: 'text',
  runId: 'text',
  index: 'number',
  share: 'number',
  total: 'number',
  name: 'text',
  mapped: 'number',
  item: 'text',
  ...LIFE_COLUMNS,
  node: 'json',
  context: 'text',
  contextBytes: 'number',
} as const satisfies Columns<TaskRecord>

const { payload: _payload, items: _items, graph: _graph, result: _result, ...runHead } = RUN_COLUMNS
export const RUN_HEAD_COLUMNS = { ...runHead, error: 'error' } as const satisfies Columns<RunHead>
export const RUN_PLACE_COLUMNS = { id: 'text', state: 'text', gateOrder: 'number' } as const satisfies Columns<RunPlace>
export const RUN_ARRIVAL_COLUMNS = {
  id: 'text',
  slot: 'number',
  gateKey: 'text',
  gateOrder: 'number',
} as const satisfies Columns<RunArrival>
const { item: _item, context: _context, result: _taskResult, ...taskHead } = TASK_COLUMNS
export const TASK_HEAD_COLUMNS = { ...taskHead, error: 'error' } as const satisfies Columns<TaskHead>

export const TASK_RESULT_COLUMNS = { id: TASK_COLUMNS.id, result: TASK_COLUMNS.result } as const satisfies Columns<TaskResultRecord>

export const STEP_COLUMNS = {
  id: 'text',
  namespace: 'text',
  taskId: 'text',
  index: 'number',
  epoch: 'number',
  try: 'number',
  attempt: 'number',
  name: 'text',
  state: 'text',
  result: 'text',
  error: 'json',
  final: 'number',
  until: 'number',
  at: 'number',
} as const satisfies Columns<StepRecord>

export const JOB_COLUMNS = {
  id: 'text',
  namespace: 'text',
  name: 'text',
  handler: 'text',
  state: 'text',
  description: 'text',
  schedule: 'json',
  payload: 'text',
  mode: 'text',
  plan: 'json',
  items: 'text',
  attempts: 'number',
  backoff: 'json',
  timeoutMs: 'number',
  routing: 'json',
  terms: 'json',
  triggers: 'json',
  misfire: 'text',
  misfireAfterMs: 'number',
  pauseAfterFailures: 'number',
  failureBackoff: 'json',
  note: 'text',
  resumedAt: 'number',
  data: 'text',
  revision: 'number',
  share: 'number',
  nextSlotAt: 'number',
  wakeAt: 'number',
  awaits: 'text',
  chosenSlotAt: 'number',
  gating: 'json',
  lastRunId: 'text',
  change: 'json',
  declared: 'json',
  declaration: 'text',
  graph: 'text',
  createdAt: 'number',
  updatedAt: 'number',
} as const satisfies Columns<JobRecord>

export const CHANGE_COLUMNS = {
  id: 'text',
  revision: 'number',
  at: 'number',
  kind: 'text',
  by: 'text',
  version: 'number',
  definition: 'text',
} as const satisfies Columns<JobChangeRecord>

export const CALENDAR_HEAD_COLUMNS = {
  id: 'text',
  namespace: 'text',
  name: 'text',
  description: 'text',
  source: 'text',
  hash: 'text',
  count: 'number',
  firstDay: 'text',
  lastDay: 'text',
  omissions: 'json',
  revision: 'number',
  createdAt: 'number',
  updatedAt: 'number',
} as const satisfies Columns<CalendarHead>
export const CALENDAR_COLUMNS = { ...CALENDAR_HEAD_COLUMNS, days: 'text' } as const satisfies Columns<CalendarRecord>

export const GATE_COLUMNS = {
  id: 'text',
  namespace: 'text',
  job: 'text',
  key: 'text',
  holders: 'json',
  window: 'json',
  turn: 'text',
  revision: 'number',
  share: 'number',
  wakeAt: 'number',
} as const satisfies Columns<GateRecord>

export const SIGNAL_COLUMNS = {
  id: 'text',
  namespace: 'text',
  runId: 'text',
  name: 'text',
  payload: 'text',
  bytes: 'number',
  by: 'text',
  at: 'number',
  sequence: 'number',
  takenBy: 'text',
  expiresAt: 'number',
  unclaimed: 'number',
  share: 'number',
  wakeAt: 'number',
} as const satisfies Columns<SignalRecord>

export const DEAD_LETTER_COLUMNS = {
  id: 'text',
  namespace: 'text',
  scene: 'text',
  key: 'text',
  payload: 'text',
  state: 'text',
  reason: 'text',
  error: 'json',
  attempt: 'number',
  sleeps: 'number',
  failed: 'json',
  request: 'json',
  traceparent: 'text',
  requestedAt: 'number',
  at: 'number',
  redrivenAs: 'text',
  redrivenWith: 'text',
  isRedriven: 'number',
  by: 'text',
  revision: 'number',
} as const satisfies Columns<DeadLetterRecord>

const { payload: _arguments, redrivenWith: _others, request: _request, failed: _failed, ...letterHead } = DEAD_LETTER_COLUMNS
export const DEAD_LETTER_HEAD_COLUMNS = { ...letterHead, error: 'error' } as const satisfies Columns<DeadLetterHead>

export const LOG_COLUMNS = {
  namespace: 'text',
  runId: 'text',
  taskId: 'text',
  attempt: 'number',
  seq: 'number',
  instance: 'text',
  at: 'number',
  level: 'text',
  message: 'text',
  fields: 'text',
} as const satisfies Columns<LogRecord>

export const ROLLUP_COLUMNS = {
  id: 'text',
  namespace: 'text',
  scope: 'text',
  level: 'text',
  start: 'number',
  stream: 'number',
  upTo: 'number',
  revision: 'number',
  ended: 'number',
  failed: 'number',
  runCount: 'number',
  runSumMs: 'number',
  runMaxMs: 'number',
  values: 'json',
} as const satisfies Columns<RollupRecord>

export const OPEN_RUN_COLUMNS = {
  id: 'text',
  namespace: 'text',
  job: 'text',
  handler: 'text',
  mode: 'text',
  state: 'text',
  reason: 'text',
  gate: 'text',
  gateKey: 'text',
  queuedAt: 'number',
  createdAt: 'number',
} as const satisfies Columns<OpenRun>

export const OPEN_TASK_COLUMNS = {
  id: 'text',
  namespace: 'text',
  runId: 'text',
  state: 'text',
  queuedAt: 'number',
} as const satisfies Columns<OpenTask>

export const COORDINATOR_COLUMNS = { id: 'text', beat: 'number', publishedBefore: 'number' } as const satisfies Columns<CoordinatorRecord>

/**
 * A field as the engines store it.
 * @throws CarillonError INTERNAL when the value is undefined, NaN, infinite or of another type: a fault of the caller
 */
export function toStored(value: unknown, kind: ColumnKind, column: string): StoredValue {
  if (value === null) return null
  if (kind === 'text') {
    if (typeof value === 'string') return value
  } else if (kind === 'number') {
    if (typeof value === 'number' && Number.isFinite(value)) return value
  } else if (typeof value === 'object') {
    checkJson(value, column)
    return JSON.stringify(value)
  }
  throw unstorable(value, column)
}

/** The inverse of `toStored`. */
export function fromStored(value: unknown, kind: ColumnKind): unknown {
  if (typeof value !== 'string' || (kind !== 'json' && kind !== 'error')) return value ?? null
  const parsed: unknown = JSON.parse(value)
  if (kind === 'json') return parsed
  const { stack: _, ...brief } = parsed as { stack?: string }
  return brief
}

/** Names and numbers of a record, beside its texts. */
const RECORD_BYTES = 500

/** About how many bytes a stored record has as JSON. */
export function bytesOf(stored: readonly unknown[]): number {
  let bytes = RECORD_BYTES
  for (const value of stored) if (typeof value === 'string') bytes += Buffer.byteLength(value)
  return bytes
}

/** `JSON.stringify` would silently turn NaN into null. A property that is undefined is absent. */
function checkJson(value: unknown, path: string): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw unstorable(value, path)
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkJson(value[i] === undefined ? Number.NaN : value[i], `${path}[${i}]`)
  } else if (typeof value === 'object' && value !== null) {
    for (const key in value) checkJson((value as Record<string, unknown>)[key], `${path}.${key}`)
  } else if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') throw unstorable(value, path)
}

function unstorable(value: unknown, column: string): CarillonError {
  const shown = printable(value)
  return new CarillonError('INTERNAL', `${column} is ${shown}, which cannot be stored`, { field: column, value: shown })
}
