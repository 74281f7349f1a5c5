import { CALLS, checkName, type ProgramView } from '@carillon/contracts'
import type { Command } from 'commander'
import { now } from '../clock.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printList } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import { relativeText, timeText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'

const HELP = `
A run in durable steps goes on with the program that stored its first one, or with
one that says that it accepts it. Its last instance may be stopped when OPEN is 0.

Examples:
  ${CARILLON} versions list --handler order
  ${CARILLON} runs move 01k… --to order@v2 --dry-run`

/** `carillon versions …`. */
export function addVersionsCommands(program: Command): void {
  const versions = program.command('versions').description('programs that go on with runs in durable steps: list')
  versions
    .command('list')
    .alias('ls')
    .description('who has which program, and how many open runs are bound to it')
    .option('--handler <name>', 'of this handler', (text) => checkName('--handler', text))
    .addHelpText('after', HELP)
    .action(listVersions)
}

async function listVersions(options: { handler?: string }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = async function* () {
      yield await client.call(CALLS.versionsList, options)
    }
    const empty = 'No handler declares a program, and no open run has stored a step.'
    await printList(invocation.terminal, pages(), { all: true, columns: columns(), empty })
  })
}

function columns(): Column<ProgramView>[] {
  const nowMs = now()
  return [
    { heading: 'PROGRAM', text: ({ program }) => program, narrow: 'whole' },
    { heading: 'INSTANCES', text: ({ instances }) => instances.join(', ') },
    { heading: 'ACCEPTED BY', text: ({ accepting }) => accepting.join(', ') },
    { heading: 'OPEN', text: ({ open }) => String(open) },
    { heading: 'WAITING', text: ({ waiting }) => (waiting > 0 ? String(waiting) : '') },
    { heading: 'SINCE', text: ({ since }) => timeText(since, nowMs), brief: ({ since }) => relativeText(since, nowMs) },
  ]
}
