import { isEnded, type JobView, LIMITS, type Progress, type Reason, type Retry, type RunView, type TaskView } from '@carillon/contracts'
import type { FailedTry, JobRecord, LifeHead, RunHead, RunRecord, TaskHead, TaskLife, TaskRecord } from '@carillon/store'
import type { Decision } from './decision.ts'
import { limitOf } from './limits.ts'
import { runsAlone } from './loss.ts'
import { isTaskRecord } from './work.ts'

/** The texts of the last times, by their last bits: what is created or ends together has the same few times. */
const known: { readonly ms: number; readonly text: string }[] = []
const KNOWN_TIMES = 64

function iso(ms: number): string {
  const place = ms & (KNOWN_TIMES - 1)
  let entry = known[place]
  if (entry?.ms !== ms) {
    entry = { ms, text: new Date(ms).toISOString() }
    known[place] = entry
  }
  return entry.text
}

/** A copy without what is null or undefined. */
function present<T extends object>(value: { [Key in keyof T]: T[Key] | null | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null && field !== undefined)) as T
}

export function jobView(job: JobRecord): JobView {
  // With these rules the next slot may be one that is skipped.
  const nextAt = job.failureBackoff || (job.schedule && 'calendars' in job.schedule) ? job.wakeAt : job.nextSlotAt
  return present<JobView>({
    name: job.name,
    handler: job.handler,
    state: job.state,
    description: job.description,
    schedule: job.schedule,
    payload: JSON.parse(job.payload),
    mode: job.mode,
    shards: job.plan?.shards,
    items: job.items === null ? null : JSON.parse(job.items),
    maxParallel: job.plan?.maxParallel,
    tolerate: job.plan?.tolerate,
    workflow: job.graph === null ? null : JSON.parse(job.graph),
    attempts: job.attempts,
    backoff: job.backoff,
    timeoutMs: job.timeoutMs,
    ...job.routing,
    ...job.terms,
    ...job.triggers,
    misfire: job.misfire,
    misfireAfterMs: job.misfireAfterMs,
    pauseAfterFailures: job.pauseAfterFailures,
    failureBackoff: job.failureBackoff,
    ...job.gating,
    revision: job.revision,
    by: job.change?.by,
    version: job.declared?.version,
    edited: job.declared?.isEdited ? true : null,
    note: job.note,
    data: job.data === null ? null : JSON.parse(job.data),
    nextAt: nextAt === null ? null : iso(nextAt),
    createdAt: iso(job.createdAt),
    updatedAt: iso(job.updatedAt),
  })
}

/**
 * @param run of a head the view has neither payload nor result
 * @param waiting why a queued run, or one at a gate, waits, when it is known
 */
export function runView(run: RunHead & Partial<RunRecord>, waiting?: { reason: Reason; message: string }): RunView {
  const {
    arrivedAt: _arrivedAt,
    published: _published,
    rules: _rules,
    ancestors: _ancestors,
    dueAt: _dueAt,
    failed,
    paused,
    ...terms
  } = run.terms ?? {}
  return present<RunView>({
    runId: run.id,
    job: run.job,
    handler: run.handler,
    mode: run.mode,
    trigger: run.trigger,
    by: run.by,
    payload: parsed(run.payload),
    key: run.key,
    traceId: traceIdOf(run.traceparent),
    slot: run.slot === null ? null : iso(run.slot),
    dueAt: run.state === 'delayed' && run.wakeAt !== null ? iso(run.wakeAt) : null,
    createdAt: iso(run.createdAt),
    ...lifeView(run),
    attempts: run.attempts,
    parentTask: run.parentTask,
    ...terms,
    compensation: compensationOf(run),
    pausedAt: paused === undefined || run.state !== 'paused' ? null : iso(paused.at),
    deadlineAt: terms.deadlineAt === undefined ? null : iso(terms.deadlineAt),
    endAt: terms.endAt === undefined ? null : iso(terms.endAt),
    failed: terms.retry === undefined ? failedView(failed) : undefined,
    retry: terms.retry === undefined ? null : retryView(terms.retry, failed),
    reason: run.reason ?? waiting?.reason,
    message: waiting?.message ?? run.error?.message,
  })
}

/** The trace id of a W3C `traceparent`; null where there is none, or one that the standard calls invalid. */
function traceIdOf(traceparent: string | null): string | null {
  const [, id] = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}(?:-|$)/.exec(traceparent ?? '') ?? []
  return id === undefined || /^0+$/.test(id) ? null : id
}

function failedView(failed: readonly FailedTry[] = []): RunView['failed'] {
  if (failed.length === 0) return undefined
  return failed.map(({ startedAt, at, ...rest }) => ({
    ...rest,
    at: iso(at),
    ...(startedAt === undefined ? {} : { startedAt: iso(startedAt) }),
  }))
}

/** @param failed its tries that failed */
export const retryView = ({ localTries, redriveOf, onSuccess, onExhausted }: Retry, failed: readonly FailedTry[] = []) =>
  present<NonNullable<RunView['retry']>>({
    localTries,
    failed: failedView(failed),
    redriveOf,
    onSuccess: onSuccess?.job,
    onExhausted: onExhausted?.job,
  })

/** How far a workflow that does not succeed is undone, as far as its record says it. */
function compensationOf({ compensation, state, reason }: RunHead): RunView['compensation'] {
  if (compensation === 'complete') return compensation
  if (isEnded(state)) return compensation === null ? undefined : 'incomplete'
  return compensation !== null || reason === 'compensating' ? 'under-way' : undefined
}

/** @param task of a head the view has neither item nor result */
export function taskView(task: TaskHead & Partial<TaskRecord>): TaskView {
  return present<TaskView>({
    taskId: task.id,
    task: task.name,
    index: task.index,
    // What a child run is started with may be much larger than an answer.
    item: task.node?.child === undefined ? parsed(task.item) : undefined,
    ...lifeView(task),
    instance: task.owner ?? task.target,
  })
}

const parsed = (text: string | null | undefined): unknown => (text === null || text === undefined ? undefined : JSON.parse(text))

function lifeView(life: LifeHead & Partial<TaskLife>) {
  return {
    state: life.state,
    reason: life.reason,
    attempt: life.attempt,
    losses: life.losses || null,
    interruptions: life.interruptions,
    program: life.program,
    instance: life.owner ?? (life.state === 'queued' ? life.target : null),
    progress: life.progress,
    result: parsed(life.result),
    failure: life.error,
    startedAt: life.startedAt === null ? null : iso(life.startedAt),
    firstStartedAt: life.firstStartedAt === null ? null : iso(life.firstStartedAt),
    sleeps: life.sleeps,
    endedAt: life.endedAt === null ? null : iso(life.endedAt),
  }
}

/** A run that has ended, with its result if it has one, and with what its end has reported of the last attempt. */
export type EndedRun = RunHead & Pick<Partial<RunRecord>, 'result'> & Pick<Decision, 'logLines'>

/** Body of a run's terminal event. Written by hand, here and below: these are made for every run, and names need no escaping. */
export function endedEventText(run: EndedRun, { isRepeated = false } = {}): string {
  let text = `{"runId":"${run.id}","handler":"${run.handler}","state":"${run.state}","reason":"${run.reason}","attempt":${run.attempt},"at":"${iso(run.endedAt ?? 0)}"`
  if (run.job !== null) text += `,"job":"${run.job}"`
  if (run.error !== null) text += `,"failure":${JSON.stringify(run.error)}`
  if (run.terms?.mergedInto !== undefined) text += `,"mergedInto":"${run.terms.mergedInto}"`
  if (typeof run.result === 'string')
    text += run.result.length <= LIMITS.eventResultBytes ? `,"result":${run.result}` : ',"resultOmitted":true'
  text += `,"createdAt":"${iso(run.createdAt)}"`
  if (run.startedAt !== null) text += `,"startedAt":"${iso(run.startedAt)}"`
  if (run.logLines !== undefined) text += `,"logLines":${run.logLines}`
  text += timesText(run)
  if (isRepeated) text += ',"repeated":true'
  return `${text}}`
}

/** How long a run that has ended waited and ran, in ms, as far as it is known. */
export interface RunTimes {
  /** From when it was due to its first start; of a run that was retried by hand unknown. */
  readonly waitedMs?: number
  readonly ranMs?: number
  /** Of a slot: from its planned time to its run. */
  readonly lateMs?: number
  /** Attempts beyond the first. */
  readonly retries: number
}

export function timesOf(run: RunHead): RunTimes {
  const { attempt, attempts, tries, createdAt, slot, endedAt, terms } = run
  const startedAt = run.firstStartedAt ?? run.startedAt
  const sleeps = run.sleeps ?? 0
  // Tries that earlier retries by hand were given.
  const before = Math.max(0, attempts - tries - sleeps)
  const late = slot === null ? {} : { lateMs: Math.max(0, createdAt - slot) }
  const retries = Math.max(0, attempt - 1 - sleeps - before)
  if (startedAt === null || endedAt === null) return { ...late, retries }
  const due = Math.max(createdAt, slot ?? 0, terms?.dueAt ?? 0)
  const waited = before === 0 ? { waitedMs: Math.max(0, startedAt - due) } : {}
  return { ...late, ...waited, ranMs: Math.max(0, endedAt - startedAt), retries }
}

/** For the statistics: they are counted from events, so that no run is read for them. */
function timesText(run: RunHead): string {
  const { lateMs, waitedMs, ranMs, retries } = timesOf(run)
  let text = lateMs === undefined ? '' : `,"lateMs":${lateMs}`
  if (waitedMs !== undefined) text += `,"waitedMs":${waitedMs}`
  if (ranMs !== undefined) text += `,"ranMs":${ranMs}`
  return retries > 0 ? `${text},"retries":${retries}` : text
}

/** Body of a live signal of a run: what a row of a list shows. */
export function liveText(run: RunHead, progress?: Progress): string {
  let text = `{"runId":"${run.id}","handler":"${run.handler}",${moveText(run)},"createdAt":"${iso(run.createdAt)}"`
  if (run.job !== null) text += `,"job":"${run.job}"`
  if (run.trigger !== 'call') text += `,"trigger":"${run.trigger}"`
  if (run.mode !== 'single') text += `,"mode":"${run.mode}"`
  return progress ? `${text},"progress":${JSON.stringify(progress)}}` : `${text}}`
}

/** What moved, of a run or a task. */
function moveText({ state, reason, attempt, owner, startedAt }: LifeHead): string {
  let text = `"state":"${state}","attempt":${attempt}`
  if (reason !== null) text += `,"reason":"${reason}"`
  if (owner !== null) text += `,"instance":"${owner}"`
  return startedAt === null ? text : `${text},"startedAt":"${iso(startedAt)}"`
}

/** Tasks that one signal names: more are read by a call. */
const TASKS_SHOWN = 20

/** A task that was written: as it was before, with what has changed. Few are shown, so they are not put together before. */
export interface MovedTask {
  readonly task: TaskHead
  readonly decision?: Pick<Decision, 'set'>
}

/** Body of a live signal of tasks of a fan-out run. */
export function liveTasksText(runId: string, tasks: readonly MovedTask[]): string {
  const shown = tasks.slice(0, TASKS_SHOWN).map((moved) => {
    const task = { ...moved.task, ...moved.decision?.set }
    const progress = task.progress === null ? '' : `,"progress":${JSON.stringify(task.progress)}`
    return `{"taskId":"${task.id}",${moveText(task)}${progress}${task.endedAt === null ? '' : `,"endedAt":"${iso(task.endedAt)}"`}}`
  })
  const omitted = tasks.length > shown.length ? `,"omitted":${tasks.length - shown.length}` : ''
  return `{"runId":"${runId}","tasks":[${shown.join()}]${omitted}}`
}

/** A task with its own part of the data. */
export type TaskToDo = TaskHead & Pick<TaskRecord, 'item'>

/** A task of a workflow keeps its own payload, and the context that it began with, in its item. */
function inputText(run: RunRecord, { item }: TaskToDo): string {
  const { payload, context = {} } = item === null ? {} : (JSON.parse(item) as { payload?: unknown; context?: object })
  return `,"context":${JSON.stringify(context)},"payload":${payload === undefined ? run.payload : JSON.stringify(payload)}`
}

/** Body of a work message or an offer: the payload is JSON text already. @param options.claim it has to be claimed before it begins, whatever it is */
export function workText(run: RunRecord, task: RunHead | TaskToDo, { claim = false }: { claim?: boolean } = {}): string {
  let text = `{"runId":"${run.id}","taskId":"${task.id}","handler":"${run.handler}","attempt":${task.attempt}`
  if (run.job !== null) text += `,"job":"${run.job}"`
  if (run.timeoutMs !== null) text += `,"timeoutMs":${run.timeoutMs}`
  if (run.slot !== null) text += `,"slot":"${iso(run.slot)}"`
  if (isTaskRecord(task)) {
    text += `,"index":${task.index},"total":${task.total}`
    if (task.name !== null) text += `,"task":"${task.name}"`
    if (task.item !== null && task.node === null) text += `,"item":${task.item}`
  }
  if (runsAlone(task)) text += ',"alone":true'
  if (run.terms?.withinRetry !== undefined) text += `,"withinRetry":"${run.terms.withinRetry}"`
  if (task.program !== null) text += `,"program":"${task.program}"`
  // Whether it begins or expires is decided by one write: reports of a short task come when it has ended.
  if (claim || limitOf(run)?.event === 'expired') text += ',"claim":true'
  if (!isTaskRecord(task)) return `${text},"payload":${run.payload}}`
  if (task.node !== null) return `${text}${inputText(run, task)}}`
  return `${text},"payload":${run.plan?.each && task.item !== null ? task.item : run.payload}}`
}
