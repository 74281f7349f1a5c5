import {
  DEFAULT_BACKOFF,
  type HandlerKind,
  LIMITS,
  type RunMode,
  type RunTrigger,
  type StartRun,
  taskIdOf,
  writeJson,
} from '@carillon/contracts'
import { type JobRecord, type RunHead, type RunRecord, shareOf, type TaskRecord } from '@carillon/store'
import { CHECK_QUEUED_MS, NO_LOSSES } from './life.ts'
import { modeOf, planOf } from './plan.ts'
import { instantAhead, type MissedSlots } from './schedule.ts'

/** Where a run comes from. */
export interface RunOrigin {
  readonly id: string
  readonly namespace: string
  readonly trigger: RunTrigger
  readonly traceparent: string | null
  readonly now: number
  /** What the handler announces of its runs. */
  readonly kind?: HandlerKind | undefined
}

/**
 * The record of a run that someone asked for; what the request leaves open comes from the job, then from the defaults.
 * @throws CarillonError of the payload, INVALID_DATE
 */
export function runOfRequest(request: StartRun, job: JobRecord | undefined, origin: RunOrigin): RunRecord {
  const payload = request.payload === undefined ? (job?.payload ?? 'null') : payloadText(request.payload)
  const dueAt = request.at !== undefined ? instantAhead(request.at, { field: 'at', now: origin.now }) : origin.now + (request.delayMs ?? 0)
  const tries = request.attempts ?? job?.attempts ?? 1
  const planned = planOf(request, { job, kind: origin.kind })
  return {
    ...unborn(origin),
    ...timing(dueAt, { now: origin.now, mode: planned.mode }),
    delayMs: request.delayMs || null,
    ...planned,
    job: job?.name ?? null,
    handler: handlerOf(request, job),
    key: request.key ?? null,
    payload,
    tries,
    attempts: tries,
    backoff: request.backoff ?? job?.backoff ?? DEFAULT_BACKOFF,
    timeoutMs: request.timeoutMs ?? job?.timeoutMs ?? null,
  }
}

/** Where no such job is stored, a job's name is a handler's. */
export function handlerOf(request: StartRun, job: JobRecord | undefined): string {
  return job?.handler ?? request.handler ?? (request.job as string)
}

/** The record of a job's slot. */
export function runOfSlot(job: JobRecord, slot: number, origin: RunOrigin): RunRecord {
  return {
    ...unborn(origin),
    ...timing(origin.now, { now: origin.now, mode: modeOf(job.mode, origin.kind) }),
    job: job.name,
    handler: job.handler,
    mode: modeOf(job.mode, origin.kind),
    plan: job.plan,
    items: job.items,
    slot,
    payload: job.payload,
    tries: job.attempts,
    attempts: job.attempts,
    backoff: job.backoff,
    timeoutMs: job.timeoutMs,
  }
}

/** The record that says why slots were not run; one for a whole stretch. */
export function skippedRun(job: JobRecord, missed: MissedSlots, origin: RunOrigin): RunRecord {
  const count = missed.atLeast ? `at least ${missed.count}` : missed.count
  const [from, to] = [missed.from, missed.to].map((slot) => new Date(slot).toISOString())
  const message = `${count} missed slots from ${from} to ${to} have no run of their own (misfire: ${job.misfire})`
  return {
    ...runOfSlot(job, missed.from, origin),
    state: 'skipped',
    reason: 'misfire',
    wakeAt: null,
    queuedAt: null,
    endedAt: origin.now,
    error: { name: 'Misfire', message },
  }
}

/** The record that says why a slot was not run: its run could not be stored as it was to be. */
export function unstoredRun(run: RunRecord, { error, now }: { error: { code: string; message: string }; now: number }): RunRecord {
  return {
    ...run,
    payload: 'null',
    plan: null,
    state: 'skipped',
    reason: 'internal-error',
    wakeAt: null,
    queuedAt: null,
    endedAt: now,
    error: { name: error.code, message: error.message.slice(0, LIMITS.errorTextBytes / 2) },
  }
}

/** A payload as JSON text. @throws CarillonError PAYLOAD_TOO_LARGE, JSON_TOO_DEEP, INTEGER_TOO_LARGE, INVALID_JSON */
export function payloadText(payload: unknown): string {
  return writeJson(payload, { field: 'payload', maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' })
}

/** A single run that is queued has a message to rely on; one with many tasks is looked at again, should nobody begin it. */
function timing(dueAt: number, { now, mode }: { now: number; mode: RunMode }) {
  if (dueAt > now) return { state: 'delayed', reason: 'delay', wakeAt: dueAt, queuedAt: null } as const
  return { state: 'queued', reason: null, wakeAt: mode === 'single' ? null : now + CHECK_QUEUED_MS, queuedAt: now } as const
}

function unborn({ id, namespace, trigger, traceparent, now }: RunOrigin) {
  return {
    id,
    namespace,
    trigger,
    traceparent,
    createdAt: now,
    share: shareOf(id),
    resume: null,
    delayMs: null,
    job: null,
    key: null,
    asked: null,
    slot: null,
    attempt: 1,
    ...NO_LOSSES,
    owner: null,
    ownerSession: null,
    progress: null,
    result: null,
    error: null,
    startedAt: null,
    endedAt: null,
  } as const
}

export interface TaskPlace {
  readonly index: number
  readonly total: number
  readonly item?: string
  readonly target?: string
  /** Of a map; else the id follows from the index. */
  readonly id?: string
  readonly name?: string
}

/** The record of one task of a run with many: it waits until the planner frees it. */
export function taskOfRun(run: RunHead, place: TaskPlace): TaskRecord {
  return {
    id: place.id ?? taskIdOf(run.id, place.index),
    namespace: run.namespace,
    runId: run.id,
    index: place.index,
    total: place.total,
    name: place.name ?? null,
    mapped: 0,
    item: place.item ?? null,
    target: place.target ?? null,
    share: run.share,
    state: 'waiting',
    reason: null,
    attempt: 1,
    attempts: run.tries,
    ...NO_LOSSES,
    owner: null,
    ownerSession: null,
    wakeAt: null,
    delayMs: null,
    queuedAt: null,
    progress: null,
    result: null,
    error: null,
    startedAt: null,
    endedAt: null,
    resume: null,
  }
}
