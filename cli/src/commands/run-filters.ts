import { type CALLS, type CallInput, checkName, RUN_STATES, type RunState } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseChoice, parseText } from '../arguments/scalars.ts'
import { parseSince } from '../arguments/since.ts'

type Requested = CallInput<typeof CALLS.runsCount>

/** Which runs a command is about, as options have it. */
export interface RunFilters extends Omit<Requested, 'time' | 'state'> {
  readonly state?: readonly RunState[]
  readonly ended?: true
}

/** Adds the filters of runs, all of which a run has to pass. */
export function addRunFilters(command: Command): Command {
  return command
    .option('--job <name>', 'runs of this job', (text) => checkName('--job', text))
    .option('--handler <name>', 'runs of this handler, with or without a job', (text) => checkName('--handler', text))
    .option('--service <name>', 'runs of the handlers that live instances of this service offer', (text) => checkName('--service', text))
    .option('--instance <name>', 'runs that this instance has, or had last', (text) => checkName('--instance', text))
    .option('--label <name=value>', 'runs that live instances with this label have, or had last')
    .option('--state <states>', `in one of these states, separated by commas: ${RUN_STATES.join(', ')}`, parseStates)
    .option('--trigger <origin>', 'started by a call, stream, schedule, job, event or run')
    .option('--text <text>', 'that contain this in their key, error or payload', (text) => parseText('--text', text, 'Give a text.'))
    .option('--since <time>', 'created since: a duration such as 1h, 2d, or a time such as 2030-01-31T09:00:00Z', (text) =>
      parseSince('--since', text),
    )
    .option('--until <time>', 'created before, in the same way', (text) => parseSince('--until', text))
    .option('--ended', 'of runs that ended without success: --since and --until, and the order, are about their end')
}

/** Options that are given more than once add up. */
function parseStates(text: string, before: readonly RunState[] = []): RunState[] {
  return [...before, ...text.split(',').map((state) => parseChoice('--state', state.trim(), RUN_STATES))]
}

/** As the calls take it. */
export function filterOf({ state, ended, ...rest }: RunFilters): Requested {
  return { ...rest, ...(state === undefined ? {} : { state: [...state] }), ...(ended ? { time: 'ended' } : {}) }
}
