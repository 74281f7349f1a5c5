import type { RunState, RunView } from '@carillon/contracts'
import { harmless, type Terminal, type Tone } from './terminal.ts'
import { spanText, timeText, tookText } from './time-text.ts'

const TONES: Readonly<Record<RunState, Tone>> = {
  waiting: 'quiet',
  delayed: 'quiet',
  queued: 'quiet',
  running: 'accent',
  cancelling: 'warning',
  succeeded: 'good',
  failed: 'bad',
  timed_out: 'bad',
  cancelled: 'warning',
  skipped: 'warning',
}

/** A state as it is read: `timed_out` is `timed out`. */
export const stateText = (state: RunState): string => state.replace('_', ' ')

/** The colour of a state. */
export const stateTone = (state: RunState): Tone => TONES[state]

/** What a run is now, in one line: its state, and what a person needs to know about it. */
export function runText(terminal: Terminal, run: RunView, nowMs: number): string {
  const state = terminal.paint(stateTone(run.state), stateText(run.state))
  return harmlessLine(terminal, [state, ...details(run, nowMs)])
}

function harmlessLine(terminal: Terminal, [state = '', ...rest]: string[]): string {
  const text = harmless(rest.join(', '))
  return text === '' ? state : `${state}: ${terminal.paint('quiet', text)}`
}

function details(run: RunView, nowMs: number): string[] {
  const tries = run.attempts > 1 || run.attempt > 1 ? [`attempt ${attemptText(run)}`] : []
  switch (run.state) {
    case 'delayed':
      return run.reason === 'retry' ? retryOf(run, nowMs) : [...(run.dueAt ? [`due ${timeText(run.dueAt, nowMs)}`] : reasonOf(run))]
    case 'running':
      return [...(run.instance ? [`on ${run.instance}`] : []), ...tries]
    case 'queued':
    case 'cancelling':
    case 'skipped':
      return reasonOf(run)
    case 'succeeded':
      return [...tookOf(run), ...tries]
    default:
      return [...reasonOf(run), ...failureOf(run), ...tookOf(run), ...tries]
  }
}

/** Which attempt it is. One that was lost with its instance uses up no try, so there may be more attempts than tries. */
export const attemptText = ({ attempt, attempts }: Pick<RunView, 'attempt' | 'attempts'>): string =>
  attempt > attempts ? `${attempt} (tries for failures: ${attempts})` : `${attempt} of ${attempts}`

/** Why the last try failed, and when the next one comes. */
function retryOf(run: RunView, nowMs: number): string[] {
  const wait = run.dueAt === undefined ? 0 : Math.max(0, Date.parse(run.dueAt) - nowMs)
  return [...reasonOf(run), `next try in ${spanText(wait)}`]
}

const reasonOf = (run: RunView): string[] => (run.message ? [run.message] : run.reason ? [run.reason] : [])

/** The failure, unless the reason says it already. */
function failureOf({ failure, message }: RunView): string[] {
  return failure && !message?.includes(failure.message) ? [`${failure.name}: ${failure.message}`] : []
}

function tookOf({ startedAt, endedAt }: RunView): string[] {
  return startedAt && endedAt ? [`took ${tookText(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)))}`] : []
}

/** A value as JSON: indented for a person, on one line for everyone else. */
export const jsonText = (terminal: Terminal, value: unknown): string =>
  terminal.interactive ? JSON.stringify(value ?? null, null, 2) : JSON.stringify(value ?? null)
