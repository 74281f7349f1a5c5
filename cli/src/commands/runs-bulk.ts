import { CALLS, CarillonError, checkName, RUN_STATES, type RunState, type RunView } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseChoice } from '../arguments/scalars.ts'
import { parseSince } from '../arguments/since.ts'
import type { Client } from '../client/client.ts'
import { pagesOf } from '../client/pages.ts'
import { EXIT } from '../exit-code.ts'
import type { Terminal } from '../output/terminal.ts'

/** Which runs are cancelled or retried, where none is named. */
export interface BulkOptions {
  readonly job?: string
  readonly handler?: string
  readonly state?: RunState
  readonly since?: string
  readonly dryRun?: true
}

interface Change {
  readonly verb: 'cancel' | 'retry'
  /** The states in which it is possible. */
  readonly states: readonly RunState[]
  /** Somebody was faster: the run is as it should be. */
  readonly already: string
  readonly one: (client: Pick<Client, 'call'>, runId: string) => Promise<unknown>
}

const PAGE = 500
/** Requests under way at once. */
const AT_ONCE = 16

export const CANCEL: Change = {
  verb: 'cancel',
  states: ['waiting', 'delayed', 'queued', 'running'],
  already: 'RUN_ENDED',
  one: (client, runId) => client.call(CALLS.runsCancel, { runId }),
}

export const RETRY: Change = {
  verb: 'retry',
  states: ['failed', 'timed_out', 'cancelled', 'skipped', 'expired'],
  already: 'RUN_OPEN',
  one: (client, runId) => client.call(CALLS.runsRetry, { runId }),
}

/** Adds the filters of runs that are changed together. */
export function addBulkOptions(command: Command): Command {
  return command
    .optionsGroup('Instead of a run:')
    .option('--job <name>', 'all runs of this job', (text) => checkName('--job', text))
    .option('--handler <name>', 'all runs of this handler', (text) => checkName('--handler', text))
    .option('--state <state>', 'in this state', (text) => parseChoice('--state', text, RUN_STATES))
    .option('--since <time>', 'created since: a duration such as 1h, 2d, or a time', (text) => parseSince('--since', text))
    .option('--dry-run', 'only count them')
}

/** @throws CarillonError INVALID_REQUEST of a run and filters, of neither, of a filter that is missing, or of a state in which this is not possible */
export function checkBulk(change: Change, runId: string | undefined, { job, handler, state, since, dryRun }: BulkOptions): void {
  const hasFilter = [job, handler, state, since].some((filter) => filter !== undefined)
  const refuse = (message: string, hint: string) => {
    throw new CarillonError('INVALID_REQUEST', message, { field: 'run', hint })
  }
  if (runId !== undefined && (hasFilter || dryRun)) refuse('a run and filters exclude each other', 'Give one of them.')
  if (runId !== undefined) return
  if (!hasFilter || state === undefined || (job === undefined && handler === undefined))
    refuse(`which runs to ${change.verb} is not said`, 'Give a run, or --state with --job or --handler.')
  else if (!change.states.includes(state))
    refuse(
      `runs that are ${state} cannot be ${change.verb === 'cancel' ? 'cancelled' : 'retried'}`,
      `Use one of ${change.states.join(', ')}.`,
    )
}

/**
 * Finds the runs, says how many there are, and changes each; one that somebody else has changed in between is counted as done. A repetition goes on with those
 * that are left. Answers the exit code.
 */
export async function changeAll(
  change: Change,
  { dryRun, ...filters }: BulkOptions,
  { client, terminal }: { client: Pick<Client, 'call'>; terminal: Terminal },
): Promise<number> {
  const ids: string[] = []
  const pages = pagesOf<RunView>((cursor) => client.call(CALLS.runsList, { ...filters, limit: PAGE, cursor }))
  for await (const { items } of pages) ids.push(...items.map(({ runId }) => runId))
  if (!terminal.json) terminal.note(`${ids.length} ${ids.length === 1 ? 'run' : 'runs'} to ${change.verb}`)
  const failures: CarillonError[] = []
  let [done, already] = [0, 0]
  for (let i = 0; !dryRun && i < ids.length; i += AT_ONCE) {
    const outcomes = await Promise.allSettled(ids.slice(i, i + AT_ONCE).map((runId) => change.one(client, runId)))
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') done++
      else if (CarillonError.from(outcome.reason).code === change.already) already++
      else failures.push(CarillonError.from(outcome.reason))
    }
  }
  const [first] = failures
  const counts = { found: ids.length, done, already, failed: failures.length }
  if (terminal.json) terminal.value({ ...counts, ...(first ? { error: first.toBody() } : {}) })
  else if (!dryRun)
    terminal.print(`${done} done, ${already} were changed by others, ${failures.length} failed${first ? `: ${first.message}` : ''}`)
  return failures.length > 0 ? EXIT.failed : EXIT.ok
}
