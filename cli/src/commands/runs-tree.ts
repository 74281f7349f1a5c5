import { CALLS, isEnded, type RunTree } from '@carillon/contracts'
import type { Command } from 'commander'
import { now, pause } from '../clock.ts'
import { EXIT } from '../exit-code.ts'
import { interruptible } from '../following/interrupt.ts'
import { invocationOf, withClient } from '../invocation.ts'
import type { Terminal } from '../output/terminal.ts'
import { treeLine, treeLines } from '../output/tree-text.ts'

/** Often enough to look live, seldom enough to cost nothing. */
const LOOK_EVERY_MS = 500

/** `carillon runs tree` and `carillon runs watch`: runs with many tasks at a glance. */
export function addTreeCommands(runs: Command): void {
  runs
    .command('tree')
    .description('a run with many tasks at a glance: how far it is, what failed, what is slow')
    .argument('<run>')
    .action(showTree)
  runs
    .command('watch')
    .description('a run with many tasks live, until it ends; exit code 0 only when it succeeded')
    .argument('<run>')
    .action(watch)
}

async function showTree(runId: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal } = invocation
  await withClient(invocation, async (client) => {
    const tree = await client.call(CALLS.runsTree, { runId })
    if (terminal.json) terminal.value(tree)
    else for (const line of treeLines(terminal, tree, now())) terminal.print(line)
  })
}

async function watch(runId: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal } = invocation
  const interrupt = interruptible()
  const shown = new LiveLine(terminal)
  await withClient(invocation, async (client) => {
    let tree: RunTree
    do {
      tree = await client.call(CALLS.runsTree, { runId })
      shown.show(treeLine(terminal, tree))
    } while (!isEnded(tree.state) && (await pause(LOOK_EVERY_MS, interrupt.signal)))
    shown.end()
    if (terminal.json) terminal.value(tree)
    else for (const line of treeLines(terminal, tree, now())) terminal.print(line)
    process.exitCode = isEnded(tree.state) ? (tree.state === 'succeeded' ? EXIT.ok : EXIT.failed) : interrupt.exitCode
  }).finally(() => interrupt.done())
}

/** One line that is written over where a person looks; elsewhere each new text is a line. With `json` nothing is shown. */
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
