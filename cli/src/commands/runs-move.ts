import { CALLS, type MoveChoice } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseText } from '../arguments/scalars.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printList } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import { harmless } from '../output/terminal.ts'

/** `carillon runs move`. */
export function addMoveCommand(runs: Command): void {
  runs
    .command('move')
    .description('let another program go on with a run in durable steps, while it waits or sleeps')
    .argument('<run>')
    .option('--to <program>', 'the id of the program, such as order@v2; the same one again: it is tried once more', (text) =>
      parseText('--to', text, 'Give the id of a program: carillon versions list.'),
    )
    .option('--dry-run', 'only say which programs could go on with it')
    .action(moveRun)
}

async function moveRun(runId: string, { to, dryRun }: { to?: string; dryRun?: true }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal } = invocation
  await withClient(invocation, async (client) => {
    const answer = await client.call(CALLS.runsMove, { runId, ...(to === undefined ? {} : { to }), dryRun: dryRun === true })
    if (terminal.json) return terminal.value(answer)
    if (answer.moved) return terminal.print(`${runId} goes on with ${harmless(answer.program ?? '')}`)
    terminal.note(`${runId} is bound to ${harmless(answer.program ?? 'no program')}`)
    const pages = async function* () {
      yield { items: answer.choices }
    }
    await printList(terminal, pages(), { all: true, columns: COLUMNS, empty: 'No live instance offers its handler.' })
  })
}

const COLUMNS: Column<MoveChoice>[] = [
  { heading: 'PROGRAM', text: ({ program }) => program, narrow: 'whole' },
  { heading: 'INSTANCES', text: ({ instances }) => String(instances) },
  { heading: 'FITS', text: ({ fits }) => fits, narrow: 'whole' },
  { heading: 'WHY', text: ({ why }) => why ?? '' },
]
