import { type JournalEntry, REASONS, type RunView, type TaskView } from '@carillon/contracts'
import { now } from '../clock.ts'
import { attemptText, stateText, stateTone, tookMs, triesOf } from '../output/run-text.ts'
import { printFields } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { relativeText, timeText, tookText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'

/** The columns of `runs list`. */
export function runColumns(): Column<RunView>[] {
  const nowMs = now()
  return [
    { heading: 'RUN', text: (run) => run.runId, narrow: 'whole' },
    { heading: 'JOB', text: (run) => run.job ?? run.handler },
    { heading: 'STATE', text: (run) => stateText(run.state), tone: (run) => stateTone(run.state), narrow: 'whole' },
    { heading: 'REASON', text: (run) => (run.reason === 'completed' ? '' : (run.reason ?? '')) },
    { heading: 'TRY', text: (run) => attemptCell(run), narrow: 1 },
    { heading: 'BY', text: (run) => run.trigger, narrow: 2 },
    { heading: 'CREATED', text: (run) => timeText(run.createdAt, nowMs), brief: (run) => relativeText(run.createdAt, nowMs) },
    { heading: 'TOOK', text: tookOf },
  ]
}

/** Empty for a run with one try. Lost attempts use no try: there may be more of them than tries. */
function attemptCell(run: RunView): string {
  const { attempt, attempts } = triesOf(run)
  return attempt > attempts ? String(attempt) : attempts > 1 ? `${attempt}/${attempts}` : ''
}

/** The columns of `runs tasks`. */
export function taskColumns(): Column<TaskView>[] {
  return [
    { heading: 'ID', text: (task) => task.taskId, narrow: 'whole' },
    { heading: 'TASK', text: (task) => task.task ?? '' },
    { heading: 'STATE', text: (task) => stateText(task.state), tone: (task) => stateTone(task.state), narrow: 'whole' },
    { heading: 'REASON', text: (task) => (task.reason === 'completed' ? '' : (task.reason ?? '')) },
    { heading: 'TRY', text: ({ attempt, sleeps = 0 }) => String(attempt - sleeps), narrow: 1 },
    { heading: 'LOST', text: ({ losses, interruptions }) => (losses || interruptions ? String((losses ?? 0) + (interruptions ?? 0)) : '') },
    { heading: 'INSTANCE', text: (task) => task.instance ?? '', narrow: 2 },
    { heading: 'PROGRESS', text: (task) => (task.progress ? `${Math.round(task.progress.percent)} %` : '') },
    { heading: 'TOOK', text: tookOf },
    { heading: 'RESULT', text: (task) => (task.result === undefined ? (task.failure?.message ?? '') : JSON.stringify(task.result)) },
  ]
}

/** The columns of `runs steps`. */
export function stepColumns(): Column<JournalEntry>[] {
  const nowMs = now()
  const tone = ({ state }: JournalEntry) =>
    stateTone(state === 'done' || state === 'received' ? 'succeeded' : state === 'failed' ? 'failed' : 'delayed')
  return [
    { heading: 'STEP', text: ({ index }) => String(index + 1) },
    { heading: 'NAME', text: ({ name }) => name },
    { heading: 'STATE', text: ({ state }) => state.replace('_', ' '), tone },
    { heading: 'TRIES', text: ({ tries }) => (tries > 1 ? String(tries) : '') },
    { heading: 'AT', text: ({ at }) => timeText(at, nowMs), brief: ({ at }) => relativeText(at, nowMs) },
    { heading: 'UNTIL', text: ({ until }) => timeText(until, nowMs), brief: ({ until }) => relativeText(until, nowMs) },
    { heading: 'RESULT', text: ({ result, failure }) => failure?.message ?? (result === undefined ? '' : JSON.stringify(result)) },
  ]
}

/** One run, field by field. */
export function printRun(terminal: Terminal, run: RunView): void {
  const nowMs = now()
  printFields(terminal, run, [
    ['run', run.runId],
    ['job', run.job],
    ['handler', run.handler],
    ['mode', run.mode === 'single' ? undefined : `${run.mode} (its tasks: ${CARILLON} runs tasks ${run.runId})`],
    ['state', stateText(run.state)],
    ['reason', reasonOf(run)],
    ['within', run.parentTask],
    ['merged into', run.mergedInto],
    ['asked by', run.by === undefined ? run.trigger : `${run.by} (${run.trigger})`],
    ['key', run.key],
    ['trace', run.traceId],
    ['slot', timeText(run.slot, nowMs)],
    ['due', run.state === 'delayed' ? timeText(run.dueAt, nowMs) : undefined],
    ['ends by', timeText(run.endAt, nowMs)],
    ['paused', pausedText(run, nowMs)],
    ['attempt', attemptText(run)],
    ['retry', run.retry ? retryText(run.retry) : undefined],
    ['part of retry', run.withinRetry],
    ...(run.failed ?? run.retry?.failed ?? []).map(
      ({ attempt, at, instance, name, message }) =>
        [`try ${attempt}`, `${timeText(at, nowMs)}${instance === undefined ? '' : ` on ${instance}`} ${name}: ${message}`] as const,
    ),
    ['lost', run.losses ? `${run.losses} in a row of the processes that ran it died` : undefined],
    ['interrupted', run.interruptions ? `${run.interruptions} in a row of the processes that ran it died of something else` : undefined],
    ['program', run.program],
    ['instance', run.instance],
    ['progress', run.progress ? `${Math.round(run.progress.percent)} % ${run.progress.note ?? ''}`.trim() : undefined],
    ['created', timeText(run.createdAt, nowMs)],
    ['started', timeText(run.firstStartedAt ?? run.startedAt, nowMs)],
    ['resumed', run.sleeps === undefined ? undefined : `${run.sleeps} ${run.sleeps === 1 ? 'time' : 'times'} after a sleep or a wait`],
    ['ended', timeText(run.endedAt, nowMs)],
    ['took', tookOf(run)],
    ['payload', run.payload === undefined ? undefined : JSON.stringify(run.payload)],
    ['compensation', run.compensation === undefined ? undefined : compensationText(run)],
    ['result', run.result === undefined ? undefined : JSON.stringify(run.result)],
    ['failure', run.failure ? (run.failure.stack ?? `${run.failure.name}: ${run.failure.message}`) : undefined],
  ])
}

/** Of the retry of a call. */
export function retryText({ localTries, redriveOf, onSuccess, onExhausted }: NonNullable<RunView['retry']>): string {
  const after = [onSuccess && `${onSuccess} when it has succeeded`, onExhausted && `${onExhausted} when it is given up`].filter(Boolean)
  const caller = `of a call that its caller tried ${localTries === 1 ? 'once' : `${localTries} times`}`
  const tries = redriveOf === undefined ? caller : `of dead letter ${redriveOf}`
  return after.length === 0 ? tries : `${tries}; starts ${after.join(', ')}`
}

function pausedText({ pausedAt, pausedMs, runId }: RunView, nowMs: number): string | undefined {
  if (pausedAt !== undefined) return `since ${timeText(pausedAt, nowMs)}: ${CARILLON} runs resume ${runId}`
  return pausedMs === undefined ? undefined : `for ${tookText(pausedMs)}`
}

const compensationText = ({ compensation, runId }: RunView) =>
  compensation === 'incomplete' ? `incomplete: ${CARILLON} runs retry ${runId} --compensation` : compensation

function tookOf(run: Pick<RunView, 'startedAt' | 'firstStartedAt' | 'endedAt'>): string {
  const ms = tookMs(run)
  return ms === undefined ? '' : tookText(ms)
}

/** The code and its meaning; the error has a field of its own. */
function reasonOf({ reason, message, failure }: RunView): string | undefined {
  if (reason === undefined) return message
  return `${reason}: ${message === undefined || message === failure?.message ? REASONS[reason] : message}`
}
