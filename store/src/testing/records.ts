import { type Backoff, taskIdOf } from '@carillon/contracts'
import type { GateRecord } from '../gate-records.ts'
import { type CalendarHead, type CalendarRecord, changeId, type JobChangeRecord } from '../job-records.ts'
import type { DeadLetterRecord } from '../letter-records.ts'
import type { LogRecord } from '../log-records.ts'
import type { LifeChange } from '../ports.ts'
import type { JobRecord, RunHead, RunRecord, StepRecord, TaskHead, TaskLife, TaskRecord } from '../records.ts'
import { shareOf } from '../shares.ts'
import type { SignalRecord } from '../signal-records.ts'
import { type Distribution, type RollupRecord, rollupId } from '../stats-records.ts'

const BACKOFF: Backoff = { type: 'exponential', delayMs: 1_000, factor: 2, maxMs: 300_000 }
/** A time for records: 2026-01-01. */
export const START_AT = 1_767_225_600_000

const LIFE: TaskLife = {
  state: 'queued',
  reason: null,
  attempt: 1,
  attempts: 1,
  losses: 0,
  interruptions: null,
  owner: null,
  ownerSession: null,
  target: null,
  wakeAt: null,
  delayMs: null,
  queuedAt: START_AT,
  progress: null,
  result: null,
  error: null,
  startedAt: null,
  firstStartedAt: null,
  sleeps: null,
  waits: null,
  endedAt: null,
  resume: null,
  program: null,
  pinnedAt: null,
  refusedBy: null,
}

/** The id of the n-th run, sorting by n. */
export const runId = (n: number) => `run${String(n).padStart(13, '0')}`

/** A queued run in namespace `default`; what is given replaces its fields. */
export function aRun(n: number, fields: Partial<RunRecord> = {}): RunRecord {
  const id = fields.id ?? runId(n)
  return {
    id,
    namespace: 'default',
    job: null,
    handler: 'hello',
    mode: 'single',
    plan: null,
    items: null,
    trigger: 'call',
    key: null,
    asked: null,
    slot: null,
    payload: '{"name":"Ada"}',
    backoff: BACKOFF,
    tries: 1,
    timeoutMs: null,
    routing: null,
    terms: null,
    traceparent: null,
    by: null,
    createdAt: START_AT + n,
    share: shareOf(id),
    gate: null,
    gateKey: null,
    gateOrder: null,
    graph: null,
    parentTask: null,
    generations: null,
    compensation: null,
    ...LIFE,
    ...fields,
  }
}

/** What a list shows of a run. */
export function headOf({ payload: _payload, items: _items, graph: _graph, result: _result, ...head }: RunRecord): RunHead {
  return withoutStack(head)
}

/** What a list shows of a task. */
export function taskHeadOf({ item: _item, context: _context, result: _result, ...head }: TaskRecord): TaskHead {
  return withoutStack(head)
}

function withoutStack<Head extends Pick<TaskLife, 'error'>>(head: Head): Head {
  if (head.error === null) return head
  const { stack: _stack, ...error } = head.error
  return { ...head, error }
}

/** The task of that index of a broadcast run. */
export function aTask(run: string, index: number, fields: Partial<TaskRecord> = {}): TaskRecord {
  return {
    id: taskIdOf(run, index),
    namespace: 'default',
    runId: run,
    index,
    share: shareOf(run),
    total: 1,
    name: null,
    mapped: 0,
    item: null,
    ...LIFE,
    target: `i-${index}`,
    node: null,
    context: null,
    contextBytes: null,
    ...fields,
  }
}

/** A step that is done. */
export function aStep(taskId: string, index: number, fields: Partial<StepRecord> = {}): StepRecord {
  return {
    id: `${taskId}.${String(index).padStart(5, '0')}.0.1`,
    namespace: 'default',
    taskId,
    index,
    epoch: 0,
    try: 1,
    attempt: 1,
    name: `step-${index}`,
    state: 'done',
    result: 'null',
    error: null,
    final: 0,
    until: null,
    at: START_AT,
    ...fields,
  }
}

/** An active job that fires every minute; it wakes at its next slot unless `wakeAt` is given, too. */
export function aJob(name: string, fields: Partial<JobRecord> = {}): JobRecord {
  const { nextSlotAt = START_AT } = fields
  const namespace = fields.namespace ?? 'default'
  const id = `${namespace}/${name}`
  return {
    id,
    namespace,
    name,
    handler: name,
    state: 'active',
    description: null,
    schedule: { everyMs: 60_000 },
    payload: 'null',
    mode: 'single',
    plan: null,
    items: null,
    attempts: 3,
    backoff: BACKOFF,
    timeoutMs: null,
    routing: null,
    terms: null,
    triggers: null,
    misfire: 'once',
    misfireAfterMs: null,
    pauseAfterFailures: null,
    failureBackoff: null,
    note: null,
    resumedAt: null,
    data: null,
    revision: 1,
    share: shareOf(id),
    nextSlotAt,
    wakeAt: nextSlotAt,
    awaits: null,
    chosenSlotAt: null,
    gating: null,
    lastRunId: null,
    change: null,
    declared: null,
    declaration: null,
    graph: null,
    createdAt: START_AT,
    updatedAt: START_AT,
    ...fields,
  }
}

/** A gate with nobody in it. */
export function aGate(number: number, fields: Partial<GateRecord> = {}): GateRecord {
  const id = `gate-${number}`
  return {
    id,
    namespace: 'default',
    job: 'report',
    key: null,
    holders: { runs: [] },
    window: null,
    turn: null,
    revision: 1,
    share: shareOf(id),
    wakeAt: null,
    ...fields,
  }
}

/** A put of the default job `report`, which has since been changed. */
export function aChange(revision: number, fields: Partial<JobChangeRecord> & { jobId?: string } = {}): JobChangeRecord {
  const { jobId = 'default/report', ...rest } = fields
  const record = { revision, at: START_AT + revision, kind: 'put', by: null, version: null, definition: '{}' } as const
  return { id: changeId(jobId, revision), ...record, ...rest }
}

/** A signal of run `runId(n)`. */
export function aSignal(run: string, n: number, fields: Partial<SignalRecord> = {}): SignalRecord {
  const name = fields.name ?? 'paid'
  return {
    id: `${run}.${name}.${n}`,
    namespace: 'default',
    runId: run,
    name,
    payload: String(n),
    bytes: 1,
    by: null,
    at: START_AT + n,
    sequence: 0,
    takenBy: null,
    expiresAt: START_AT + 1_000_000,
    unclaimed: 0,
    share: shareOf(run),
    wakeAt: START_AT + n,
    ...fields,
  }
}

/** A calendar of Christmas 2026. */
export function aCalendar(name: string, fields: Partial<CalendarRecord> = {}): CalendarRecord {
  const namespace = fields.namespace ?? 'default'
  return {
    id: `${namespace}/${name}`,
    namespace,
    name,
    description: null,
    source: 'days',
    hash: '0'.repeat(64),
    count: 1,
    firstDay: '2026-12-25',
    lastDay: '2026-12-25',
    omissions: [],
    revision: 1,
    createdAt: START_AT,
    updatedAt: START_AT,
    days: '["2026-12-25"]',
    ...fields,
  }
}

/** What a list shows of a calendar. */
export function calendarHeadOf({ days: _days, ...head }: CalendarRecord): CalendarHead {
  return head
}

/** The letter about the n-th run. */
export function aLetter(n: number, fields: Partial<DeadLetterRecord> = {}): DeadLetterRecord {
  return {
    id: runId(n),
    namespace: 'default',
    scene: 'pay',
    key: `key-${n}`,
    payload: '[{"order":1}]',
    state: 'failed',
    reason: 'handler-error',
    error: { name: 'Error', message: 'no money', stack: 'Error: no money\n    at pay' },
    attempt: 5,
    sleeps: 0,
    failed: [{ attempt: 1, at: START_AT, name: 'Error', message: 'no money' }],
    request: { attempts: 5, timeoutMs: 5_000, retry: { localTries: 3 } },
    traceparent: null,
    requestedAt: START_AT - 1_000,
    at: START_AT,
    redrivenAs: null,
    redrivenWith: null,
    isRedriven: 0,
    by: null,
    revision: 1,
    ...fields,
  }
}

const NONE: Distribution = { count: 0, sumMs: 0, maxMs: 0, bins: {} }

/** A minute of one scope in which `n` runs failed. */
export function aRollup(n: number, fields: Partial<RollupRecord> = {}): RollupRecord {
  const place = { namespace: 'default', scope: 'job:report', level: 'minute', start: START_AT, ...fields } as const
  return {
    ...{ id: rollupId(place), stream: 1, upTo: n, revision: 1, ended: n, failed: n, runCount: n, runSumMs: 10 * n, runMaxMs: 10 },
    values: {
      ...{ states: { failed: n }, reasons: { 'handler-error': n }, started: n, retries: 0, late: 0 },
      ...{ run: { count: n, sumMs: 10 * n, maxMs: 10, bins: { 59: n } }, wait: NONE, lateness: NONE, errors: {}, gauges: {} },
    },
    ...place,
  }
}

/** A log line of the only task of a run. */
export function aLine(run: string, seq: number, fields: Partial<LogRecord> = {}): LogRecord {
  return {
    namespace: 'default',
    runId: run,
    taskId: run,
    attempt: 1,
    seq,
    instance: 'i-1',
    at: START_AT + seq,
    level: 'info',
    message: `line ${seq}`,
    fields: null,
    ...fields,
  }
}

/** What the end of a task changes, as a coordinator writes it. */
export function aFinish(id: string, fields: Partial<LifeChange> = {}): LifeChange {
  return {
    id,
    expect: { state: ['queued', 'running', 'cancelling'], attempt: 1, owner: [null, 'i-1'] },
    set: {
      state: 'succeeded',
      reason: 'completed',
      owner: 'i-1',
      startedAt: START_AT + 10,
      endedAt: START_AT + 20,
      result: '{"ok":true}',
      error: null,
      progress: null,
      wakeAt: null,
      queuedAt: null,
    },
    ...fields,
  }
}
