import { CALLS, type RunView } from '@carillon/contracts'
import type { Command } from 'commander'
import { readPayload } from '../arguments/payload.ts'
import type { Client } from '../client/client.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printRun } from './run-view.ts'

/** `carillon runs skip-node`, `succeed-node`, `stop-node`: what an operator says about a node of a workflow. */
export function addNodeCommands(runs: Command): void {
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
        client.call(CALLS.runsSucceedNode, { runId, node, ...(result === undefined ? {} : { result: await readPayload(result) }) }),
      ),
    )
  nodeCommand('stop-node', 'cancel a node of a workflow that is under way; what does not follow it goes on').action(
    (runId: string, node: string, _options: unknown, self: Command) =>
      change(self, (client) => client.call(CALLS.runsStopNode, { runId, node })),
  )
}

async function change(self: Command, ask: (client: Client) => Promise<RunView>): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printRun(invocation.terminal, await ask(client)))
}
