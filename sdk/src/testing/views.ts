import type { RunEndedEvent, RunView, TaskView } from '@carillon/contracts'
import type { Life, Run, Task } from './life.ts'

const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())

/** As services show a run; what is null is left out. */
export function runView(run: Run): RunView {
  const { job, handler, mode, payload, key, attempts, createdAt, state, firstStartedAt, startedAt, paused, retry, failed } = run
  return written<RunView>({
    ...lifeView(run),
    ...{ runId: run.id, job, handler, mode, payload, key, attempts },
    trigger: 'call',
    message: run.failure?.message,
    createdAt: iso(createdAt),
    firstStartedAt: firstStartedAt === startedAt ? undefined : iso(firstStartedAt),
    dueAt: state === 'delayed' ? iso(run.dueAt) : undefined,
    deadlineAt: iso(run.deadlineAt),
    endAt: iso(run.endAt),
    pausedAt: iso(paused?.at),
    pausedMs: run.pausedMs,
    retry: retry && { ...retry, onSuccess: retry.onSuccess?.job, onExhausted: retry.onExhausted?.job, failed: failed[0] && failed },
  })
}

export function taskView(task: Task): TaskView {
  const { index, item } = task
  return written<TaskView>({ ...lifeView(task), taskId: task.id, task: task.task, index, item, instance: task.owner ?? task.target })
}

export function endedEvent(run: Run): RunEndedEvent {
  const { handler, job, state, reason, attempt, result, failure } = run
  const event = written<RunEndedEvent>({ runId: run.id, handler, job, state, reason, attempt, at: iso(run.endedAt), failure })
  return result === undefined ? event : { ...event, result }
}

function lifeView({ state, reason, attempt, losses, owner, progress, result, failure, startedAt, endedAt }: Life) {
  const times = { startedAt: iso(startedAt), endedAt: iso(endedAt) }
  return { state, reason, attempt, losses: losses || undefined, instance: owner, progress, result, failure, ...times }
}

/** As received from the wire: what is null or undefined is left out. */
function written<Value>(value: { readonly [Key in keyof Value]?: unknown }): Value {
  const present = Object.entries(value).filter(([, field]) => field !== null && field !== undefined)
  return JSON.parse(JSON.stringify(Object.fromEntries(present))) as Value
}
