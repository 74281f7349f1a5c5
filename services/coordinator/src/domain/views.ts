import type { JobView, RunEndedEvent, RunView, TaskView, WorkMessage } from '@carillon/contracts'
import { type EndedState, LIMITS } from '@carillon/contracts'
import type { JobRecord, RunRecord, TaskLife, TaskRecord } from '@carillon/store'

const iso = (ms: number) => new Date(ms).toISOString()

/** A copy without what is null or undefined. */
function present<T extends object>(value: { [Key in keyof T]: T[Key] | null | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null && field !== undefined)) as T
}

export function jobView(job: JobRecord): JobView {
  return present<JobView>({
    name: job.name,
    handler: job.handler,
    state: job.state,
    description: job.description,
    schedule: job.schedule,
    payload: JSON.parse(job.payload),
    mode: job.mode,
    attempts: job.attempts,
    backoff: job.backoff,
    timeoutMs: job.timeoutMs,
    misfire: job.misfire,
    nextAt: job.wakeAt === null ? null : iso(job.wakeAt),
    createdAt: iso(job.createdAt),
    updatedAt: iso(job.updatedAt),
  })
}

/** @param waiting why a queued run waits, when it is known */
export function runView(run: RunRecord, waiting?: { reason: 'no-instance'; message: string }): RunView {
  return present<RunView>({
    runId: run.id,
    job: run.job,
    handler: run.handler,
    mode: run.mode,
    trigger: run.trigger,
    payload: JSON.parse(run.payload),
    key: run.key,
    slot: run.slot === null ? null : iso(run.slot),
    dueAt: run.state === 'delayed' && run.wakeAt !== null ? iso(run.wakeAt) : null,
    createdAt: iso(run.createdAt),
    ...lifeView(run),
    attempts: run.attempts,
    reason: run.reason ?? waiting?.reason,
    message: run.error?.message ?? waiting?.message,
  })
}

export function taskView(task: TaskRecord): TaskView {
  return present<TaskView>({ taskId: task.id, index: task.index, ...lifeView(task), instance: task.owner ?? task.target })
}

function lifeView(life: TaskLife) {
  return {
    state: life.state,
    reason: life.reason,
    attempt: life.attempt,
    instance: life.owner,
    progress: life.progress,
    result: life.result === null ? null : JSON.parse(life.result),
    failure: life.error,
    startedAt: life.startedAt === null ? null : iso(life.startedAt),
    endedAt: life.endedAt === null ? null : iso(life.endedAt),
  }
}

/** Body of a run's terminal event, as JSON text: the result is text already. */
export function endedEventText(run: RunRecord): string {
  const small = run.result !== null && run.result.length <= LIMITS.eventResultBytes
  const body = present<RunEndedEvent>({
    runId: run.id,
    job: run.job,
    handler: run.handler,
    state: run.state as EndedState,
    reason: run.reason ?? 'completed',
    attempt: run.attempt,
    at: iso(run.endedAt ?? 0),
    resultOmitted: run.result !== null && !small ? true : null,
    failure: run.error,
  })
  const text = JSON.stringify(body)
  return small ? `${text.slice(0, -1)},"result":${run.result}}` : text
}

/** Body of a work message or an offer, as JSON text: the payload is text already. */
export function workText(run: RunRecord, task: { id: string; attempt: number; index?: number; total?: number }): string {
  const body = present<Omit<WorkMessage, 'payload'>>({
    runId: run.id,
    taskId: task.id,
    handler: run.handler,
    job: run.job,
    attempt: task.attempt,
    timeoutMs: run.timeoutMs,
    slot: run.slot === null ? null : iso(run.slot),
    index: task.index,
    total: task.total,
  })
  return `${JSON.stringify(body).slice(0, -1)},"payload":${run.payload}}`
}
