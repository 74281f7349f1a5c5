import { CALLS, type JobChange } from '@carillon/contracts'
import type { Command } from 'commander'
import { pagesOf } from '../client/pages.ts'
import { now } from '../clock.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { changeText } from '../job-files/print-steps.ts'
import { printBlocks } from '../output/table.ts'
import { harmless, type Terminal } from '../output/terminal.ts'
import { timeText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'
import { addListOptions, type ListOptions } from './list-options.ts'

const HELP = `
The newest 100 changes of a job are kept, for a year; also of one that was removed.

Examples:
  ${CARILLON} jobs history nightly
  ${CARILLON} jobs history nightly --limit 1 --json`

/** `carillon jobs history`. */
export function addJobsHistoryCommand(jobs: Command): void {
  addListOptions(jobs.command('history').description('who changed a job, when and what, newest first').argument('<name>'))
    .addHelpText('after', HELP)
    .action(listChanges)
}

async function listChanges(name: string, { limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal } = invocation
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.jobsHistory, { name, limit, cursor }))
    await printBlocks(terminal, pages, { all: all === true, print: (change) => printChange(terminal, change) })
  })
}

/** Such as `#3 declared version 4 · 2030-01-31 09:00:00 · billing`, and a line for each field. */
function printChange(terminal: Terminal, { revision, at, change, by, version, fields }: JobChange): void {
  const what = version === undefined ? change : `${change} version ${version}`
  const parts = [terminal.paint('strong', `#${revision} ${what}`), timeText(at, now()), by === undefined ? '' : harmless(by)]
  terminal.print(parts.filter(Boolean).join(' · '))
  for (const field of fields ?? []) terminal.print(`    ${changeText(terminal, field)}`)
}
