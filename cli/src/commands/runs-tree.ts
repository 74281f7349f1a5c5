import { CALLS, CarillonError, isEnded, type RunTree, type RunView } from '@carillon/contracts'
import type { Command } from 'commander'
import type { Client } from '../client/client.ts'
import { now, pause } from '../clock.ts'
import { EXIT, exitCodeOf } from '../exit-code.ts'
import { type Interrupt, interruptible } from '../following/interrupt.ts'
import { RunPrinter } from '../following/run-printer.ts'
import { RunWatch } from '../following/run-watch.ts'
import { invocationOf, withClient } from '../invocation.ts'
import type { Terminal } from '../output/terminal.ts'
import { treeLine, treeLines } from '../output/tree-text.ts'

/** Often enough to look live, seldom enough to cost nothing. */
const LOOK_EVERY_MS = 500

/** `carillon runs tree`: a fan-out run at a glance; `carillon runs watch`: any run, live. */
export function addTreeCommands(runs: Command): void {
  runs
    .command('tree')
    .description('a fan-out run, or the graph of a workflow, at a glance: how far it is, what failed, what waits for what')
    .argument('<run>')
    .action(showTree)
  runs.command('watch').description('any run live, until it ends; exit code 0 only when it succeeded').argument('<run>').action(watch)
}

async function showTree(runId: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal } = invocation
  await withClient(invocation, async (client) => {
    const tree = await client.call(CALLS.runsTree, { runId })
    if (terminal.json) return terminal.value(tree)
    for (const line of treeLines(terminal, tree, now())) terminal.print(line)
    await showChildren({ client, terminal }, tree, { left: CHILDREN_SHOWN, depth: 1 })
  })
}

/** Child runs that are shown in whole below the run. */
const CHILDREN_SHOWN = 20

/** What the child runs of a workflow are doing, those within them too; of a single run the line of its node says it all. */
async function showChildren(
  { client, terminal }: Pick<Watching, 'client' | 'terminal'>,
  { nodes = [] }: RunTree,
  shown: { left: number; readonly depth: number },
): Promise<void> {
  for (const { id, childRunId } of nodes) {
    if (childRunId === undefined || shown.left === 0) continue
    shown.left--
    const { mode } = await client.call(CALLS.runsGet, { runId: childRunId })
    if (mode === 'single') continue
    const tree = await client.call(CALLS.runsTree, { runId: childRunId })
    const indent = '  '.repeat(shown.depth)
    terminal.print('')
    for (const [i, line] of treeLines(terminal, tree, now()).entries()) terminal.print(`${indent}${i === 0 ? `${id} → ` : ''}${line}`)
    const within = { left: shown.left, depth: shown.depth + 1 }
    await showChildren({ client, terminal }, tree, within)
    shown.left = within.left
  }
}

async function watch(runId: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const interrupt = interruptible()
  await withClient(invocation, async (client) => {
    const ended = await watchRun({ client, terminal: invocation.terminal, interrupt }, runId)
    process.exitCode = ended === undefined ? interrupt.exitCode : ended.state === 'succeeded' ? EXIT.ok : EXIT.failed
  }).finally(() => interrupt.done())
}

interface Watching {
  readonly client: Client
  readonly terminal: Terminal
  readonly interrupt: Pick<Interrupt, 'signal'>
}

/** Shows a run until it has ended: a single run by its changes, a fan-out run by its tree. Undefined when the reader interrupted it. */
export async function watchRun(watching: Watching, runId: string): Promise<Pick<RunView, 'state'> | undefined> {
  const run = await watchSingle(watching, runId)
  return run === undefined || run.mode === 'single' ? run : await watchTree(watching, runId)
}

/** Resolves as soon as it shows that the run has many tasks: of a map that is known when an executor has taken it. */
async function watchSingle({ client, terminal, interrupt }: Watching, runId: string): Promise<RunView | undefined> {
  const printer = new RunPrinter(terminal, false)
  const watch = new RunWatch(client, runId)
  const isMany = new AbortController()
  const view = (run: RunView) => (run.mode === 'single' ? printer.view(run) : isMany.abort())
  try {
    const listener = { view, away: (error: CarillonError) => printer.away(error) }
    const ended = await watch.untilEnded(listener, AbortSignal.any([interrupt.signal, isMany.signal]))
    if (isMany.signal.aborted) return watch.last
    if (ended === undefined) return undefined
    if (terminal.json) terminal.value(ended)
    else printer.ended(ended)
    return ended
  } finally {
    watch.close()
  }
}

async function watchTree({ client, terminal, interrupt }: Watching, runId: string): Promise<RunTree | undefined> {
  const shown = new LiveLine(terminal)
  let tree: RunTree | undefined
  do {
    const answer = await treeOf(client, runId)
    if (!CarillonError.is(answer)) tree = answer
    shown.show(CarillonError.is(answer) ? `the mesh does not answer just now: ${answer.message}` : treeLine(terminal, answer, now()))
  } while ((tree === undefined || !isEnded(tree.state)) && (await pause(LOOK_EVERY_MS, interrupt.signal)))
  shown.end()
  if (tree === undefined) return undefined
  if (terminal.json) terminal.value(tree)
  else for (const line of treeLines(terminal, tree, now())) terminal.print(line)
  return isEnded(tree.state) ? tree : undefined
}

/** A mesh that is away for a while is waited for: the run goes on without us. */
async function treeOf(client: Client, runId: string): Promise<RunTree | CarillonError> {
  try {
    return await client.call(CALLS.runsTree, { runId })
  } catch (error) {
    if (CarillonError.is(error) && exitCodeOf(error.code) === EXIT.unreachable) return error
    throw error
  }
}

/** One line that is overwritten on a terminal; elsewhere each new text is a line. With `json` nothing is shown. */
class LiveLine {
  readonly #terminal: Terminal
  #last = ''

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  show(text: string): void {
    if (this.#terminal.json || text === this.#last) return
    this.#last = text
    if (this.#terminal.interactive) this.#terminal.overwrite(text)
    else this.#terminal.print(text)
  }

  end(): void {
    if (this.#terminal.interactive && this.#last !== '') this.#terminal.overwrite('')
  }
}
