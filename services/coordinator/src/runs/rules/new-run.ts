import {
  CarillonError,
  DEFAULT_BACKOFF,
  type HandlerKind,
  LIMITS,
  type RunTrigger,
  type StartRun,
  taskIdOf,
  writeJson,
} from '@carillon/contracts'
import { type JobRecord, type RunHead, type RunRecord, shareOf, type TaskRecord } from '@carillon/store'
import { isFanOut } from '../../modes/rules/fan-out.ts'
import { modeOf, type Planned, planOf } from '../../modes/rules/request.ts'
import { routingOf } from '../../routing/rules/request.ts'
import type { SkippedSlots } from '../../schedules/rules/plan.ts'
import { instantAhead } from '../../schedules/rules/schedule.ts'
import { CHECK_QUEUED_MS } from './life.ts'
import { NO_LOSSES } from './loss.ts'
import { checkBackoff } from './next-attempt.ts'
import type { Cause, ParentTask } from './start-item.ts'
import { causedBy, mustStartBy, termsOf, termsOfCaller, termsOfRun } from './terms.ts'

/** The origin of a run. */
export interface RunOrigin {
  readonly id: string
  readonly namespace: string
  readonly trigger: RunTrigger
  readonly traceparent: string | null
  /** Who requests it, as that party names itself. */
  readonly by?: string | undefined
  readonly now: number
  /** Of a request with a key: its fields. */
  readonly asked?: RunRecord['asked']
  readonly cause?: Cause | undefined
  readonly parent?: ParentTask | undefined
  /** The mode that the handler announces for its runs. */
  readonly kind?: HandlerKind | undefined
}

/**
 * The record of a requested run; what the request leaves open comes from the job, then from the defaults.
 * @throws CarillonError of the payload, INVALID_DATE; of a backoff INVALID_CRON, CRON_NEVER_FIRES, INVALID_TIME_ZONE
 */
export function runOfRequest(request: StartRun, job: JobRecord | undefined, origin: RunOrigin): RunRecord {
  checkBackoff(request.backoff, origin.now)
  const payload = request.payload === undefined ? (job?.payload ?? 'null') : payloadText(request.payload)
  const dueAt = request.at !== undefined ? instantAhead(request.at, { field: 'at', now: origin.now }) : origin.now + (request.delayMs ?? 0)
  const tries = request.attempts ?? job?.attempts ?? 1
  const list = origin.parent?.list
  const planned: Planned = list ? { mode: 'shards', plan: list, items: null, graph: null } : planOf(request, { job, kind: origin.kind })
  const run = newRun(origin, {
    planned,
    dueAt,
    delayMs: request.delayMs || null,
    job: job?.name ?? null,
    handler: handlerOf(request, job),
    key: request.key ?? null,
    slot: null,
    payload,
    tries,
    backoff: request.backoff ?? job?.backoff ?? DEFAULT_BACKOFF,
    timeoutMs: request.timeoutMs ?? job?.timeoutMs ?? null,
    routing: routingOf(request, { mode: planned.mode, from: job?.routing }),
    terms: dueLater(causedBy(termsOfCaller(termsOfRun(termsOf(request, job?.terms), dueAt), request, origin.now), origin), {
      dueAt,
      now: origin.now,
    }),
  })
  checkTogether(run)
  return tooLong(run, origin) ?? run
}

/** When a run becomes due that was requested for later: what waits before is no delay of the mesh. */
const dueLater = (terms: RunRecord['terms'], { dueAt, now }: { dueAt: number; now: number }): RunRecord['terms'] =>
  dueAt > now ? { ...terms, dueAt } : terms

/** Where no such job is stored, a job's name is a handler's. */
export function handlerOf(request: StartRun, job: JobRecord | undefined): string {
  return job?.handler ?? request.handler ?? (request.job as string)
}

/** The record of a job's slot. */
export function runOfSlot(job: JobRecord, slot: number, origin: RunOrigin): RunRecord {
  return newRun(origin, {
    planned: { mode: modeOf(job.mode, origin.kind), plan: job.plan, items: job.items, graph: job.graph },
    dueAt: origin.now,
    delayMs: null,
    job: job.name,
    handler: job.handler,
    key: null,
    slot,
    payload: job.payload,
    tries: job.attempts,
    backoff: job.backoff,
    timeoutMs: job.timeoutMs,
    routing: job.routing,
    terms: termsOfRun(job.terms, Math.max(origin.now, slot)),
  })
}

/** Slots without a run of their own: because of their times, or because an earlier run is open. */
export type UnfiredSlots = Omit<SkippedSlots, 'reason'> & { readonly reason: SkippedSlots['reason'] | 'overlap' }

/** The record of a run that ends a chain of jobs which fire one another: it does not run. */
function tooLong(run: RunRecord, { cause, now }: RunOrigin): RunRecord | undefined {
  const { chain = [], atMost = LIMITS.chainLength } = cause ?? {}
  if (cause === undefined || chain.length <= atMost) return undefined
  const message = `${chain.length} jobs have fired one another in a row, ${atMost} may: ${[...chain, run.job].join(' → ')}`
  const ended = { state: 'skipped', reason: 'chain-too-long', wakeAt: null, queuedAt: null, endedAt: now } as const
  return { ...run, ...ended, error: { name: 'ChainTooLong', message } }
}

/** The record of skipped slots with its reason; one for a whole stretch. */
export function skippedRun(job: JobRecord, skipped: UnfiredSlots, origin: RunOrigin): RunRecord {
  const count = skipped.atLeast ? `at least ${skipped.count}` : skipped.count
  const [from, to] = [skipped.from, skipped.to].map((slot) => new Date(slot).toISOString())
  const slots = skipped.reason === 'misfire' ? 'missed slots' : 'slots'
  return {
    ...runOfSlot(job, skipped.from, origin),
    state: 'skipped',
    reason: skipped.reason,
    wakeAt: null,
    queuedAt: null,
    endedAt: origin.now,
    error: {
      name: 'SlotsSkipped',
      message: `${count} ${slots} from ${from} to ${to} have no run of their own (${whySkipped(job, skipped.reason)})`,
    },
  }
}

function whySkipped(job: JobRecord, reason: UnfiredSlots['reason']): string {
  if (reason === 'misfire') return `misfire: ${job.misfire}`
  if (reason === 'failure-backoff') return 'the last runs of the job failed'
  if (reason === 'overlap') return 'an earlier run of the job is open, and another one waits for it'
  const used = (job.schedule && 'calendars' in job.schedule && job.schedule.calendars) || []
  return `calendars: ${used.map(({ rule, calendar }) => `${rule}:${calendar}`).join(', ')}`
}

/** The record of a skipped slot whose run could not be stored, with its reason. */
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

/** What a work message has beside payload and item: ids, names, times, headers. */
const REST_BYTES = 2_000

/**
 * Of a run with a list of items: each travels in one message with the payload.
 * @throws CarillonError PAYLOAD_TOO_LARGE
 */
export function checkTogether({ payload, items }: { payload: string; items: string | null }): void {
  const limit = LIMITS.messageBytes - REST_BYTES
  if (items === null || Buffer.byteLength(payload) + Buffer.byteLength(items) <= limit) return
  const sizes = (JSON.parse(items) as unknown[]).map((item) => Buffer.byteLength(JSON.stringify(item)))
  const largest = sizes.reduce((best, size, i) => (size > (sizes[best] as number) ? i : best), 0)
  const bytes = Buffer.byteLength(payload) + (sizes[largest] as number)
  if (bytes <= limit) return
  const field = `items.${largest}`
  throw new CarillonError('PAYLOAD_TOO_LARGE', `payload and ${field} have ${bytes} bytes as JSON together, the limit is ${limit}`, {
    field,
    value: `${bytes} bytes`,
  })
}

interface NewRun
  extends Pick<
    RunRecord,
    'delayMs' | 'job' | 'handler' | 'key' | 'slot' | 'payload' | 'tries' | 'backoff' | 'timeoutMs' | 'routing' | 'terms'
  > {
  readonly planned: Planned
  readonly dueAt: number
}

/** When a queued run is checked: not before its deadline if it has a message. */
function firstCheck(
  planned: Planned,
  { routing, terms }: NewRun,
  { now, parent }: { now: number; parent: ParentTask | undefined },
): number | null {
  if (isFanOut(planned)) return now + CHECK_QUEUED_MS
  const startBy = mustStartBy(terms)
  // A child run is checked whether the run that it is within goes on.
  if (routing !== null || parent !== undefined) return Math.min(now + CHECK_QUEUED_MS, startBy)
  return startBy === Number.POSITIVE_INFINITY ? null : startBy
}

/**
 * A queued single run relies on its message; a queued fan-out run has a `wakeAt`, in case no coordinator begins it. Each column is named: an object that is
 * put together from several others is slow to make and slow to read, and every run pays for that.
 */
function newRun({ id, namespace, trigger, traceparent, by, now, asked, parent }: RunOrigin, given: NewRun): RunRecord {
  const { planned, dueAt } = given
  const isDelayed = dueAt > now
  return {
    id,
    namespace,
    job: given.job,
    handler: given.handler,
    mode: planned.mode,
    plan: planned.plan,
    items: planned.items,
    trigger,
    key: given.key,
    asked: asked ?? null,
    slot: given.slot,
    payload: given.payload,
    backoff: given.backoff,
    tries: given.tries,
    timeoutMs: given.timeoutMs,
    routing: given.routing,
    terms: given.terms,
    traceparent,
    by: by ?? null,
    createdAt: now,
    share: shareOf(id),
    gate: null,
    gateKey: null,
    gateOrder: null,
    graph: graphWith(planned.graph, parent),
    parentTask: parent?.taskId ?? null,
    generations: null,
    compensation: null,
    state: isDelayed ? 'delayed' : 'queued',
    reason: isDelayed ? 'delay' : null,
    attempt: 1,
    attempts: given.tries,
    losses: NO_LOSSES.losses,
    interruptions: NO_LOSSES.interruptions,
    owner: null,
    ownerSession: null,
    target: null,
    wakeAt: isDelayed ? dueAt : firstCheck(planned, given, { now, parent }),
    delayMs: given.delayMs,
    queuedAt: isDelayed || (given.routing !== null && !isFanOut(planned)) ? null : now,
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
}

/** A workflow within another one begins with the context of that. */
function graphWith(graph: string | null, parent: ParentTask | undefined): string | null {
  if (graph === null || !parent?.context || Object.keys(parent.context).length === 0) return graph
  return JSON.stringify({ ...(JSON.parse(graph) as object), context: parent.context })
}

/** The record of a child run that does not start. */
export function endedChild(
  name: string,
  end: Pick<RunRecord, 'state' | 'reason' | 'error'>,
  origin: RunOrigin & { readonly parent: ParentTask },
): RunRecord {
  const { context: _context, list: _list, ...parent } = origin.parent
  const run = runOfRequest({ handler: name }, undefined, { ...origin, parent })
  return { ...run, ...end, wakeAt: null, queuedAt: null, endedAt: origin.now }
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

/** The record of one task of a fan-out run: it waits until the planner frees it. */
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
    node: null,
    context: null,
    contextBytes: null,
    share: run.share,
    state: 'waiting',
    reason: null,
    attempt: 1,
    attempts: run.tries,
    losses: NO_LOSSES.losses,
    interruptions: NO_LOSSES.interruptions,
    owner: null,
    ownerSession: null,
    target: place.target ?? null,
    wakeAt: null,
    delayMs: null,
    queuedAt: null,
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
}
