import {
  addParts,
  type BulkAction,
  CALLS,
  CarillonError,
  NO_PARTS,
  type RunState,
  type RunsBulk,
  type RunsBulkSum,
} from '@carillon/contracts'
import type { Command } from 'commander'
import type { Client } from '../client/client.ts'
import { EXIT } from '../exit-code.ts'
import type { Terminal } from '../output/terminal.ts'
import { addRunFilters, filterOf, type RunFilters } from './run-filters.ts'

/** Which runs are changed, where none is named. */
export interface BulkOptions extends RunFilters {
  readonly dryRun?: true
}

interface Change {
  readonly action: BulkAction
  /** As in "cannot be cancelled". */
  readonly done: string
  /** The states in which it is possible. */
  readonly states: readonly RunState[]
}

const OPEN: readonly RunState[] = ['waiting', 'delayed', 'queued', 'running']
export const CANCEL: Change = { action: 'cancel', done: 'cancelled', states: [...OPEN, 'paused'] }
export const PAUSE: Change = { action: 'pause', done: 'paused', states: OPEN }
export const RESUME: Change = { action: 'resume', done: 'resumed', states: ['paused'] }
export const RETRY: Change = { action: 'retry', done: 'retried', states: ['failed', 'timed_out', 'cancelled', 'skipped', 'expired'] }
export const RETRY_FAILED: Change = { ...RETRY, action: 'retry-failed' }

/** Somebody was faster: the run is as it should be, or is not any more what was meant. */
const BY_OTHERS = ['ALREADY', 'CHANGED_SINCE', 'RUN_ENDED', 'RUN_OPEN', 'RUN_NOT_FOUND', 'RUN_REMOVED']

/** Adds the filters of runs that are changed together. */
export function addBulkOptions(command: Command): Command {
  return addRunFilters(command.optionsGroup('Instead of a run:')).option('--dry-run', 'only count them')
}

/** @throws CarillonError INVALID_REQUEST of a run and filters, of neither, of a filter that is missing, or of a state in which this is not possible */
export function checkBulk(change: Change, runId: string | undefined, { dryRun, ...filters }: BulkOptions): void {
  const { state, job, handler, service, instance, label, text } = filters
  const hasFilter = Object.values(filters).some((filter) => filter !== undefined)
  const refuse = (message: string, hint: string) => {
    throw new CarillonError('INVALID_REQUEST', message, { field: 'run', hint })
  }
  if (runId !== undefined && (hasFilter || dryRun)) refuse('a run and filters exclude each other', 'Give one of them.')
  if (runId !== undefined) return
  const isNarrow = [job, handler, service, instance, label, text].some((filter) => filter !== undefined)
  if (state === undefined || !isNarrow)
    refuse(
      `which runs are to be ${change.done} is not said`,
      'Give a run, or --state with --job, --handler, --service, --instance, --label or --text.',
    )
  const wrong = state?.find((one) => !change.states.includes(one))
  if (wrong) refuse(`runs that are ${wrong} cannot be ${change.done}`, `Use one of ${change.states.join(', ')}.`)
}

/**
 * Says how many runs there are, and changes them, a part at a time; one that somebody else has changed in between is left as it is. A repetition goes on with
 * those that are left. Answers the exit code.
 */
export async function changeAll(
  { action, done }: Change,
  { dryRun, ...filters }: BulkOptions,
  { client, terminal }: { client: Pick<Client, 'call'>; terminal: Terminal },
): Promise<number> {
  const send = async (isDry: boolean, asOf?: string, onPart?: (sum: RunsBulkSum) => void) => {
    let [sum, cursor, begun]: [RunsBulkSum, string | undefined, string | undefined] = [NO_PARTS, undefined, asOf]
    do {
      const part: RunsBulk = await client.call(CALLS.runsBulk, { action, filter: filterOf(filters), dryRun: isDry, asOf: begun, cursor })
      sum = addParts(sum, part)
      begun = part.asOf
      cursor = part.next
      onPart?.(sum)
    } while (cursor !== undefined)
    return { sum, begun }
  }
  const counted = await send(true)
  const { matched, eligible } = counted.sum
  if (!terminal.json) terminal.note(`${matched} ${matched === 1 ? 'run passes' : 'runs pass'} the filters, ${eligible} can be ${done}`)
  if (dryRun) return finish({ terminal, isDry: true }, counted.sum)
  const progress = ({ done: count }: RunsBulkSum) =>
    terminal.interactive && !terminal.json && terminal.overwrite(`${count} of ${eligible} ${done}`)
  const changed = await send(false, counted.begun, progress)
  if (terminal.interactive && !terminal.json) terminal.overwrite('')
  return finish({ terminal, isDry: false }, changed.sum)
}

function finish({ terminal, isDry }: { terminal: Terminal; isDry: boolean }, { matched, eligible, done, skipped }: RunsBulkSum): number {
  if (terminal.json) terminal.value({ found: matched, eligible, done, skipped })
  else {
    if (!isDry) terminal.print(`${done} done, ${skipped.reduce((sum, { count }) => sum + count, 0)} left as they are`)
    for (const { code, message, count, examples } of skipped) terminal.print(`  ${count} ${code}: ${message}, such as ${examples[0]}`)
  }
  const isFailed = !isDry && skipped.some(({ code }) => !BY_OTHERS.includes(code))
  return isFailed ? EXIT.failed : EXIT.ok
}
