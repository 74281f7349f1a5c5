import { CALLS, CarillonError, checkName, type DeadLetter, printable } from '@carillon/contracts'
import type { Command } from 'commander'
import { readPayload } from '../arguments/payload.ts'
import { parseWhole } from '../arguments/scalars.ts'
import type { Client } from '../client/client.ts'
import { pagesOf } from '../client/pages.ts'
import { pause } from '../clock.ts'
import { EXIT } from '../exit-code.ts'
import { type Invocation, invocationOf, withClient } from '../invocation.ts'
import { printList } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { CARILLON } from '../own-command.ts'
import { letterColumns, printLetter } from './dead-letter-view.ts'
import { addListOptions, type ListOptions } from './list-options.ts'
import { printRun } from './run-view.ts'

interface RedriveOptions {
  readonly scene?: string
  readonly rate: number
  readonly dryRun?: true
}

const HELP = `
A dead letter is the retry of a call that the mesh has given up: its tries are used up, its time is over, or its error is not to be retried.

Examples:
  ${CARILLON} dead-letters list --scene charge
  ${CARILLON} dead-letters redrive <id> '[{"order":"A1","amount":7}]'
  ${CARILLON} dead-letters redrive --scene charge --rate 5 --dry-run`

const PAGE = 500
/** Starts per second, where it is not said: what has failed before may have failed of too much. */
const RATE = 10
const FASTEST = 1_000

/** `carillon dead-letters …`. */
export function addDeadLettersCommands(program: Command): void {
  const letters = program
    .command('dead-letters')
    .description('retries of calls that the mesh has given up: list, get, redrive, rollback, rm')
    .addHelpText('after', HELP)
  addListOptions(
    letters.command('list').alias('ls').description('dead letters, newest first').option('--scene <name>', 'of this scene', scene),
  ).action(listLetters)
  letters.command('get').description('one dead letter, with its arguments and the tries that failed').argument('<id>').action(getLetter)
  letters
    .command('redrive')
    .description('try one, or all of a scene, again as new runs')
    .argument('[id]')
    .argument('[arguments]', 'other arguments: a list as JSON, @file, or - for standard input')
    .optionsGroup('Instead of an id:')
    .option('--scene <name>', 'all letters of this scene that were not redriven yet, oldest first', scene)
    .option('--rate <n>', 'of those: runs per second', (text) => parseWhole('--rate', text, { min: 1, max: FASTEST }), RATE)
    .option('--dry-run', 'of those: only count them')
    .action(redrive)
  letters.command('rollback').description('let the run of one go on, with new tries').argument('<id>').action(rollBack)
  letters.command('rm').alias('remove').description('remove one: nobody tries it again').argument('<id>').action(removeLetter)
}

const scene = (text: string) => checkName('--scene', text)

async function listLetters({ limit, all, scene: of }: ListOptions & { readonly scene?: string }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.deadLettersList, { scene: of, limit, cursor }))
    await printList(invocation.terminal, pages, { all: all === true, columns: letterColumns(), empty: 'No dead letters.' })
  })
}

async function getLetter(id: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printLetter(invocation.terminal, await client.call(CALLS.deadLettersGet, { id })))
}

async function redrive(id: string | undefined, text: string | undefined, options: RedriveOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  checkWhich(id, options)
  const payload = text === undefined ? undefined : argumentsOf(await readPayload(text))
  await withClient(invocation, async (client) => {
    if (id === undefined) process.exitCode = await redriveAll(options, { client, terminal: invocation.terminal })
    else await redriveOne(id, payload, { client, invocation })
  })
}

/** @throws CarillonError INVALID_REQUEST */
function checkWhich(id: string | undefined, { scene: of, dryRun }: RedriveOptions): void {
  if (id === undefined && of !== undefined) return
  if (id !== undefined && of === undefined && !dryRun) return
  const message = id === undefined ? 'which dead letter to redrive is not said' : 'an id, and --scene or --dry-run, exclude each other'
  throw new CarillonError('INVALID_REQUEST', message, { field: 'id', hint: 'Give an id, or --scene for all of a scene.' })
}

/** @throws CarillonError INVALID_REQUEST */
function argumentsOf(payload: unknown): unknown[] {
  if (Array.isArray(payload)) return payload as unknown[]
  const value = printable(payload)
  const hint = 'Give the list of arguments that the function is called with, such as \'[{"order":"A1"}]\'.'
  throw new CarillonError('INVALID_REQUEST', `arguments is no list: ${value}`, { field: 'arguments', value, hint })
}

async function redriveOne(
  id: string,
  payload: unknown[] | undefined,
  { client, invocation: { terminal, repeated } }: { client: Pick<Client, 'call'>; invocation: Invocation },
): Promise<void> {
  const outcome = await client.call(CALLS.deadLettersRedrive, { id, ...(payload === undefined ? {} : { payload }) })
  if (terminal.json) return terminal.value(outcome)
  terminal.print(outcome.created ? outcome.runId : `${outcome.runId} (it was redriven before)`)
  terminal.note(`watch it: ${CARILLON} runs watch ${outcome.runId}${repeated}`)
}

/** At an even pace; a repetition goes on with those that are left. Answers the exit code. */
async function redriveAll(
  { scene: of, rate, dryRun }: RedriveOptions,
  { client, terminal }: { client: Pick<Client, 'call'>; terminal: Terminal },
): Promise<number> {
  const ids: string[] = []
  const pages = pagesOf<DeadLetter>((cursor) => client.call(CALLS.deadLettersList, { scene: of, limit: PAGE, cursor }))
  for await (const { items } of pages) ids.push(...items.filter(({ redrivenAs }) => redrivenAs === undefined).map(({ id }) => id))
  if (!terminal.json) terminal.note(`${ids.length} ${ids.length === 1 ? 'letter' : 'letters'} to redrive`)
  const failures: CarillonError[] = []
  let done = 0
  for (const id of dryRun ? [] : ids.reverse()) {
    if (done + failures.length > 0) await pause(1_000 / rate)
    try {
      await client.call(CALLS.deadLettersRedrive, { id })
      done++
    } catch (error) {
      failures.push(CarillonError.from(error))
    }
  }
  const [first] = failures
  if (terminal.json) terminal.value({ found: ids.length, done, failed: failures.length, ...(first ? { error: first.toBody() } : {}) })
  else if (!dryRun) terminal.print(`${done} done, ${failures.length} failed${first ? `: ${first.message}` : ''}`)
  return failures.length > 0 ? EXIT.failed : EXIT.ok
}

async function rollBack(id: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printRun(invocation.terminal, await client.call(CALLS.deadLettersRollback, { id })))
}

async function removeLetter(id: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const outcome = await client.call(CALLS.deadLettersRemove, { id })
    if (invocation.terminal.json) invocation.terminal.value({ id, ...outcome })
    else invocation.terminal.print(`removed ${id}`)
  })
}
