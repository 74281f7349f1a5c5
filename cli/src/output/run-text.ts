import { causeText, type RunState, type RunView } from '@carillon/contracts'
import { harmless, type Terminal, type Tone } from './terminal.ts'
import { spanText, timeText, tookText } from './time-text.ts'

const TONES: Readonly<Record<RunState, Tone>> = {
  waiting: 'quiet',
  delayed: 'quiet',
  queued: 'quiet',
  running: 'accent',
  paused: 'warning',
  cancelling: 'warning',
  succeeded: 'good',
  failed: 'bad',
  timed_out: 'bad',
  cancelled: 'warning',
  skipped: 'warning',
  expired: 'warning',
  not_needed: 'quiet',
}

/** A state as it is read: `timed_out` is `timed out`. */
export const stateText = (state: RunState): string => state.replaceAll('_', ' ')

/** The colour of a state. */
export const stateTone = (state: RunState): Tone => TONES[state]

/** The state of a run in one line, with what a person needs to know about it. */
export function runText(terminal: Terminal, run: RunView, nowMs: number): string {
  const state = terminal.paint(stateTone(run.state), stateText(run.state))
  return harmlessLine(terminal, [state, ...details(run, nowMs)])
}

function harmlessLine(terminal: Terminal, [state = '', ...rest]: string[]): string {
  const text = harmless(rest.join(', '))
  return text === '' ? state : `${state}: ${terminal.paint('quiet', text)}`
}

function details(run: RunView, nowMs: number): string[] {
  const { attempt, attempts } = triesOf(run)
  const tries = attempts > 1 || attempt > 1 ? [`attempt ${attemptText(run)}`] : []
  switch (run.state) {
    case 'delayed':
      return run.reason === 'retry' ? retryOf(run, nowMs) : run.dueAt ? [dueText(run, nowMs)] : causeOf(run)
    case 'running':
      return [...(run.instance ? [`on ${run.instance}`] : []), ...tries]
    case 'queued':
    case 'cancelling':
    case 'skipped':
    case 'expired':
    case 'not_needed':
      return causeOf(run)
    case 'succeeded':
      return [...tookOf(run), ...tries]
    default:
      return [...causeOf(run), ...tookOf(run), ...tries]
  }
}

/** Which try it is, of how many. Going on after a sleep is no try. */
export const triesOf = ({ attempt, attempts, sleeps = 0 }: Pick<RunView, 'attempt' | 'attempts' | 'sleeps'>) => ({
  attempt: attempt - sleeps,
  attempts: attempts - sleeps,
})

/** Which attempt it is. One that was lost with its instance uses up no try, so there may be more attempts than tries. */
export function attemptText(run: Pick<RunView, 'attempt' | 'attempts' | 'sleeps'>): string {
  const { attempt, attempts } = triesOf(run)
  return attempt > attempts ? `${attempt} (tries for failures: ${attempts})` : `${attempt} of ${attempts}`
}

/** How long it took from its first start to its end, with what it waited and slept in between. */
export function tookMs({ startedAt, firstStartedAt = startedAt, endedAt }: Pick<RunView, 'startedAt' | 'firstStartedAt' | 'endedAt'>) {
  return firstStartedAt && endedAt ? Math.max(0, Date.parse(endedAt) - Date.parse(firstStartedAt)) : undefined
}

/** Why the last try failed, and when the next one comes. */
function retryOf(run: RunView, nowMs: number): string[] {
  const wait = run.dueAt === undefined ? 0 : Math.max(0, Date.parse(run.dueAt) - nowMs)
  return [...causeOf(run), `next try in ${spanText(wait)}`]
}

const dueText = ({ reason, dueAt }: RunView, nowMs: number) => `${reason === 'sleep' ? 'goes on' : 'due'} ${timeText(dueAt, nowMs)}`

function causeOf(run: RunView): string[] {
  const text = causeText(run)
  return text === '' ? [] : [text]
}

function tookOf(run: RunView): string[] {
  const ms = tookMs(run)
  return ms === undefined ? [] : [`took ${tookText(ms)}`]
}

/** A value as JSON: indented for a person, on one line for everyone else. */
export const jsonText = (terminal: Terminal, value: unknown): string =>
  terminal.interactive ? JSON.stringify(value ?? null, null, 2) : JSON.stringify(value ?? null)
