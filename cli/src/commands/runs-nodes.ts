import { CALLS, isEnded, type RunView, runIdOfTask } from '@carillon/contracts'
import type { Command } from 'commander'
import { readPayload } from '../arguments/payload.ts'
import { parseText, parseWhole } from '../arguments/scalars.ts'
import type { Client } from '../client/client.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { harmless } from '../output/terminal.ts'
import { CARILLON } from '../own-command.ts'
import { printRun } from './run-view.ts'

/** `carillon runs skip-node`, `succeed-node`, `stop-node`: what an operator says about a node of a workflow. */
export function addNodeCommands(runs: Command): void {
  addDecisions(runs)
  const nodeCommand = (name: string, description: string) =>
    runs.command(name).description(description).argument('<run>').argument('<node>')
  nodeCommand(
    'skip-node',
    'let a node of a workflow do nothing, so that what follows it goes on: one that has not begun, waits, or did not succeed',
  ).action((runId: string, node: string, _options: unknown, self: Command) =>
    change(self, (client) => client.call(CALLS.runsSkipNode, { runId, node })),
  )
  nodeCommand('succeed-node', 'let a node of a workflow that did not succeed count as one that did, with a result')
    .argument('[result]', 'JSON, @file, or - for standard input; null by default')
    .action((runId: string, node: string, result: string | undefined, _options: unknown, self: Command) =>
      change(self, async (client) =>
        client.call(CALLS.runsSucceedNode, {
          runId,
          node,
          ...(result === undefined ? {} : { result: await readPayload(result, { field: 'result' }) }),
        }),
      ),
    )
  nodeCommand('stop-node', 'cancel a node of a workflow that is under way; what does not follow it goes on').action(
    (runId: string, node: string, _options: unknown, self: Command) =>
      change(self, (client) => client.call(CALLS.runsStopNode, { runId, node })),
  )
}

/** `carillon runs approve` and `reject`. */
function addDecisions(runs: Command): void {
  for (const [name, call, does] of [
    ['approve', CALLS.runsApprove, 'approve a node of a workflow that waits for it: what follows it goes on'],
    ['reject', CALLS.runsReject, 'reject a node of a workflow that waits for an approval: the node fails'],
  ] as const)
    runs
      .command(name)
      .description(does)
      .argument('<run>')
      .argument('<node>')
      .option('--note <text>', 'why', (text) => parseText('--note', text, 'Say why in a few words.'))
      .option('--generation <n>', 'which time of the node is meant, as runs tree shows it, if it has been run again', (text) =>
        parseWhole('--generation', text, { min: 1, max: Number.MAX_SAFE_INTEGER }),
      )
      .action(async (runId: string, node: string, options: { note?: string; generation?: number }, self: Command) => {
        const { terminal, ...invocation } = invocationOf(self)
        await withClient({ ...invocation, terminal }, async (client) => {
          const decided = await client.call(call, { runId, node, ...options })
          if (terminal.json) return terminal.value(decided)
          const who = decided.by === undefined ? '' : ` by ${harmless(decided.by)}`
          terminal.print(`${decided.already ? 'It was decided before: node' : 'Node'} ${node} is ${decided.decision}${who}.`)
        })
      })
}

async function change(self: Command, ask: (client: Client) => Promise<RunView>): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal, repeated } = invocation
  await withClient(invocation, async (client) => {
    const run = await ask(client)
    printRun(terminal, run)
    if (run.parentTask === undefined || !isEnded(run.state)) return
    // It has ended, and goes on only when the run that it is within does.
    const parent = runIdOfTask(run.parentTask) ?? run.parentTask
    terminal.note(
      `It goes on when run ${parent}, which it is within, has ended and is retried: ${CARILLON} runs retry ${parent} --failed${repeated}`,
    )
  })
}
