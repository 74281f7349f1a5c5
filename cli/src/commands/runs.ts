import { CALLS, CarillonError, RUN_STATES, type RunState } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseChoice } from '../arguments/scalars.ts'
import { pagesOf } from '../client/pages.ts'
import { waitFor } from '../following/start-run.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printList } from '../output/table.ts'
import { addListOptions, type ListOptions } from './list-options.ts'
import { printRun, runColumns, stepColumns, taskColumns } from './run-view.ts'
import { addTreeCommands } from './runs-tree.ts'

interface RunsListOptions extends ListOptions {
  readonly job?: string
  readonly state?: RunState
}

/** `carillon runs …`. */
export function addRunsCommands(program: Command): void {
  const runs = program.command('runs').description('what ran and runs: list, get, tasks, steps, tree, watch, cancel, retry')
  addListOptions(
    runs
      .command('list')
      .alias('ls')
      .description('runs, newest first')
      .option('--job <name>', 'of this job only')
      .option('--state <state>', `in this state only: ${RUN_STATES.join(', ')}`, (text) => parseChoice('--state', text, RUN_STATES)),
  ).action(listRuns)
  runs.command('get').description('one run').argument('<run>').action(getRun)
  addListOptions(
    runs
      .command('tasks')
      .description('the tasks of a run with many')
      .argument('<run>')
      .option('--state <state>', `in this state only: ${RUN_STATES.join(', ')}`, (text) => parseChoice('--state', text, RUN_STATES)),
  ).action(listTasks)
  addListOptions(runs.command('steps').description('what the steps of a run have done').argument('<run>')).action(listSteps)
  addTreeCommands(runs)
  runs.command('cancel').description('cancel an open run').argument('<run>').action(cancelRun)
  runs
    .command('retry')
    .description('run an ended run again, with new tries')
    .argument('<run>')
    .option('--failed', 'of a run with many tasks: those that did not succeed; a map is retried in no other way')
    .option('--from-step <step>', 'of a run with steps: this one and those after it are done again; else it goes on where it failed')
    .option('--wait', 'wait for its end, as `carillon run` does')
    .action(retryRun)
}

async function listRuns({ job, state, limit, all }: RunsListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.runsList, { job, state, limit, cursor }))
    const which = job === undefined && state === undefined ? '' : ' of that kind'
    const empty = `No runs${which} yet. Start one: carillon run hello '{"name":"Ada"}'${invocation.repeated}`
    await printList(invocation.terminal, pages, { all: all === true, columns: runColumns(), empty })
  })
}

async function getRun(runId: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printRun(invocation.terminal, await client.call(CALLS.runsGet, { runId })))
}

async function listTasks(runId: string, { state, limit, all }: ListOptions & { state?: RunState }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.runsTasks, { runId, state, limit, cursor }))
    const itself = `This run has one task, itself: carillon runs get ${runId}${invocation.repeated}`
    const empty = state === undefined ? itself : `No task of this run is ${state.replace('_', ' ')}.`
    await printList(invocation.terminal, pages, { all: all === true, columns: taskColumns(), empty })
  })
}

async function listSteps(runId: string, { limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.tasksJournal, { taskId: runId, limit, cursor }))
    await printList(invocation.terminal, pages, { all: all === true, columns: stepColumns(), empty: 'This run has stored no step.' })
  })
}

async function cancelRun(runId: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printRun(invocation.terminal, await client.call(CALLS.runsCancel, { runId })))
}

type RetryOptions = { wait?: true; failed?: true; fromStep?: string }

async function retryRun(runId: string, { wait, failed, fromStep }: RetryOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const request = { runId, ...(failed ? { only: 'failed' as const } : {}), ...(fromStep === undefined ? {} : { fromStep }) }
    const retry = () =>
      client.call(CALLS.runsRetry, request).catch((error: unknown) => {
        throw CarillonError.is(error) && error.details.field === 'only' ? onlyFailed(error, `${runId}${invocation.repeated}`) : error
      })
    if (!wait) return printRun(invocation.terminal, await retry())
    process.exitCode = await waitFor({ client, invocation, quiet: false }, runId, async () => ({
      runId: (await retry()).runId,
      created: true,
    }))
  })
}

/** A map is not run again as a whole: says so in the words of the command line. */
function onlyFailed(error: CarillonError, which: string): CarillonError {
  const hint = `Run its failed tasks again: carillon runs retry ${which} --failed. Or start a new run.`
  return new CarillonError(error.code, error.message, { field: '--failed', hint })
}
