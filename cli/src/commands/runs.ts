import { CALLS, CarillonError, RUN_STATES, type RunState } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseChoice, parseText } from '../arguments/scalars.ts'
import { pagesOf } from '../client/pages.ts'
import { waitFor } from '../following/start-run.ts'
import { type Invocation, invocationOf, withClient } from '../invocation.ts'
import { stateText, stateTone } from '../output/run-text.ts'
import { printList } from '../output/table.ts'
import { harmless } from '../output/terminal.ts'
import { CARILLON } from '../own-command.ts'
import { addListOptions, type ListOptions } from './list-options.ts'
import { addRunFilters, filterOf, type RunFilters } from './run-filters.ts'
import { printRun, runColumns, stepColumns, taskColumns } from './run-view.ts'
import { addBulkOptions, type BulkOptions, CANCEL, changeAll, checkBulk, PAUSE, RESUME, RETRY, RETRY_FAILED } from './runs-bulk.ts'
import { addMoveCommand } from './runs-move.ts'
import { addNodeCommands } from './runs-nodes.ts'
import { addSignalCommands } from './runs-signals.ts'
import { addTreeCommands } from './runs-tree.ts'

interface RunsListOptions extends ListOptions, RunFilters {
  readonly oldest?: true
}

const LIST_HELP = `
Filters may be combined: a run is listed when it passes all of them.
Which service ran a run is not stored: --service lists the runs of the handlers
that this service offers now.

Examples:
  ${CARILLON} runs list --state failed --since 2h
  ${CARILLON} runs list --job report --since 2030-01-31T09:00:00Z --all
  ${CARILLON} runs list --handler send-invoice --key order-1`

/** `carillon runs …`. */
export function addRunsCommands(program: Command): void {
  const runs = program
    .command('runs')
    .description('what ran and runs: list, get, why, tasks, steps, tree, watch, cancel, pause, resume, retry, approve, signal')
  const list = runs.command('list').alias('ls').description('runs, newest first').optionsGroup('Filters:')
  addRunFilters(list).option('--key <key>', 'the run with this idempotency key', (text) =>
    parseText('--key', text, 'Give the key of a run.'),
  )
  addListOptions(list.optionsGroup('Pages:').option('--oldest', 'oldest first')).addHelpText('after', LIST_HELP).action(listRuns)
  runs.command('get').description('one run').argument('<run>').action(getRun)
  addListOptions(
    runs
      .command('tasks')
      .description('the tasks of a fan-out run')
      .argument('<run>')
      .option('--state <state>', `in this state only: ${RUN_STATES.join(', ')}`, (text) => parseChoice('--state', text, RUN_STATES)),
  ).action(listTasks)
  addListOptions(runs.command('steps').description('what the steps of a run have done').argument('<run>')).action(listSteps)
  addTreeCommands(runs)
  runs.command('why').description('why a run does not run: what holds it back, and until when').argument('<run>').action(whyRun)
  const cancel = runs
    .command('cancel')
    .description('cancel an open run, or all that pass filters')
    .argument('[run]')
    .option('--force', 'of a workflow: what its nodes have done is not undone, also where that has begun')
  addBulkOptions(cancel).action(cancelRun)
  const pause = runs
    .command('pause')
    .description('pause an open run, or all that pass filters: what is under way ends, nothing new starts, and limits of time stand still')
    .argument('[run]')
  addBulkOptions(pause).action(changeBy(PAUSE, CALLS.runsPause))
  const resume = runs.command('resume').description('let a paused run go on, or all that pass filters').argument('[run]')
  addBulkOptions(resume).action(changeBy(RESUME, CALLS.runsResume))
  const retry = runs
    .command('retry')
    .description('run an ended run again, with new tries, or all that pass filters')
    .argument('[run]')
    .option('--failed', 'of a fan-out run: those that did not succeed; a map is retried in no other way')
    .option('--from-step <step>', 'of a run with steps: this one and those after it are done again; else it goes on where it failed')
    .option('--from-node <node>', 'of a workflow: this node and those that follow it')
    .option('--node <node>', 'of a workflow: this node alone')
    .option('--compensation', 'of a workflow: only what is left to be undone')
    .option('--wait', 'wait for its end, as run does')
  addBulkOptions(retry).action(retryRun)
  addNodeCommands(runs)
  addMoveCommand(runs)
  addSignalCommands(runs)
}

const changeBy =
  (change: typeof PAUSE, call: typeof CALLS.runsPause | typeof CALLS.runsResume) =>
  async (runId: string | undefined, options: BulkOptions, self: Command) => {
    const invocation = invocationOf(self)
    checkBulk(change, runId, options)
    if (runId === undefined) return changeRuns(change, options, invocation)
    await withClient(invocation, async (client) => printRun(invocation.terminal, await client.call(call, { runId })))
  }

async function listRuns({ limit, all, oldest, ...filters }: RunsListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) =>
      client.call(CALLS.runsList, { ...filterOf(filters), ...(oldest ? { order: 'oldest' } : {}), limit, cursor }),
    )
    const isFiltered = Object.keys(filters).length > 0
    const empty = isFiltered
      ? 'No run passes these filters.'
      : `No runs yet. Start one: ${CARILLON} run hello '{"name":"Ada"}'${invocation.repeated}`
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
    const itself = `This run has one task, itself: ${CARILLON} runs get ${runId}${invocation.repeated}`
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

async function whyRun(runId: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal } = invocation
  await withClient(invocation, async (client) => {
    const answer = await client.call(CALLS.runsWhy, { runId })
    if (terminal.json) terminal.value(answer)
    else terminal.print(`${terminal.paint(stateTone(answer.state), stateText(answer.state))}: ${harmless(answer.why)}`)
  })
}

async function changeRuns(change: typeof CANCEL, options: BulkOptions, invocation: Invocation): Promise<void> {
  await withClient(invocation, async (client) => {
    process.exitCode = await changeAll(change, options, { client, terminal: invocation.terminal })
  })
}

async function cancelRun(runId: string | undefined, { force, ...options }: BulkOptions & { force?: true }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  checkBulk(CANCEL, runId, options)
  if (runId === undefined) {
    if (force)
      throw new CarillonError('INVALID_REQUEST', '--force goes with a run', { field: '--force', hint: 'Leave it out, or name a run.' })
    return changeRuns(CANCEL, options, invocation)
  }
  await withClient(invocation, async (client) => printRun(invocation.terminal, await client.call(CALLS.runsCancel, { runId, force })))
}

type RetryOptions = BulkOptions & { wait?: true; failed?: true; fromStep?: string; fromNode?: string; node?: string; compensation?: true }

async function retryRun(runId: string | undefined, { wait, failed, ...options }: RetryOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { fromStep, fromNode, node, compensation, ...bulk } = options
  const from = Object.fromEntries(Object.entries({ fromStep, fromNode, node }).filter(([, value]) => value !== undefined))
  checkBulk(RETRY, runId, bulk)
  if (failed && compensation)
    throw new CarillonError('INVALID_REQUEST', '--compensation goes without --failed', {
      field: '--compensation',
      hint: 'Give one of them.',
    })
  if (runId === undefined) {
    const [given] = Object.keys(from)
    const alone = wait ? '--wait' : compensation ? '--compensation' : given && OPTIONS[given]
    if (alone)
      throw new CarillonError('INVALID_REQUEST', `${alone} goes with a run`, { field: alone, hint: 'Leave it out, or name a run.' })
    return changeRuns(failed ? RETRY_FAILED : RETRY, bulk, invocation)
  }
  await withClient(invocation, async (client) => {
    const only = compensation ? ({ only: 'compensation' } as const) : failed ? ({ only: 'failed' } as const) : {}
    const request = { runId, ...only, ...from }
    const retry = () =>
      client.call(CALLS.runsRetry, request).catch((error: unknown) => {
        throw CarillonError.is(error) && error.details.field === 'only' && !compensation
          ? onlyFailed(error, `${runId}${invocation.repeated}`)
          : error
      })
    if (!wait) return printRun(invocation.terminal, await retry())
    process.exitCode = await waitFor({ client, invocation, quiet: false }, runId, async () => ({
      runId: (await retry()).runId,
      created: true,
    }))
  })
}

const OPTIONS: Readonly<Record<string, string>> = { fromStep: '--from-step', fromNode: '--from-node', node: '--node' }

/** A map is not run again as a whole: names the option of the command line. */
function onlyFailed(error: CarillonError, which: string): CarillonError {
  const hint = `Run its failed tasks again: ${CARILLON} runs retry ${which} --failed. Or start a new run.`
  return new CarillonError(error.code, error.message, { field: '--failed', hint })
}
