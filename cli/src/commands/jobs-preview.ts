import { CALLS, CarillonError, checkName, type JobPreview, LIMITS } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { parseChoice, parseTime, parseWhole, wrong } from '../arguments/scalars.ts'
import { now } from '../clock.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { Table } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { timeText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'
import { printWarnings } from './job-view.ts'
import { addScheduleOptions, type ScheduleOptions, scheduleOf } from './schedule-options.ts'

interface PreviewOptions extends ScheduleOptions {
  readonly count?: number
  readonly missed?: { readonly from: string; readonly to: string }
  readonly misfire?: 'once' | 'skip' | 'all'
  readonly misfireAfter?: number
}

const HELP = `
Examples:
  ${CARILLON} jobs preview nightly -n 10
  ${CARILLON} jobs preview --cron '30 2 * * *' --timezone Europe/Paris
  ${CARILLON} jobs preview nightly --missed 2026-10-24T00:00:00Z..2026-10-26T00:00:00Z`

/** `carillon jobs preview`: when a job fires, and what a time without coordinators would have done to it. */
export function addJobsPreviewCommand(jobs: Command): void {
  const command = jobs
    .command('preview')
    .description('the next slots of a job, or of a schedule that is not stored')
    .argument('[name]', 'a stored job')
    .option('-n, --count <number>', 'how many slots (default: 5)', (text) =>
      parseWhole('--count', text, { min: 1, max: LIMITS.previewSlots }),
    )
  addScheduleOptions(command)
    .option('--misfire <policy>', 'for --missed: once, skip or all', (text) => parseChoice('--misfire', text, ['once', 'skip', 'all']))
    .option('--misfire-after <duration>', 'for --missed: a slot later than this is missed (default: 1m)', (text) =>
      parseDuration('--misfire-after', text),
    )
    .option('--missed <from..to>', 'what would have happened if no coordinator had been there from one time to another', windowOf)
    .addHelpText('after', HELP)
    .action(async (name: string | undefined, options: PreviewOptions, self: Command) => {
      const invocation = invocationOf(self)
      const schedule = scheduleOf(options)
      if (name === undefined && schedule === undefined)
        throw new CarillonError('INVALID_REQUEST', 'there is neither a job nor a schedule', {
          field: 'name',
          hint: 'Name a stored job, or give a schedule, such as --cron.',
        })
      const preview = {
        ...(name === undefined ? {} : { name: checkName('name', name) }),
        ...(schedule === undefined ? {} : { schedule }),
        ...(options.count === undefined ? {} : { count: options.count }),
        ...(options.misfire === undefined ? {} : { misfire: options.misfire }),
        ...(options.misfireAfter === undefined ? {} : { misfireAfterMs: options.misfireAfter }),
        ...(options.missed === undefined ? {} : { missed: options.missed }),
      }
      await withClient(invocation, async (client) => print(invocation.terminal, await client.call(CALLS.jobsPreview, preview)))
    })
}

function windowOf(text: string): { from: string; to: string } {
  const [from = '', to, ...rest] = text.split('..')
  if (to === undefined || rest.length > 0)
    throw wrong('--missed', text, 'Use two times with two dots between them, such as 2026-10-24T00:00:00Z..2026-10-26T00:00:00Z.')
  return { from: parseTime('--missed', from), to: parseTime('--missed', to) }
}

async function print(terminal: Terminal, preview: JobPreview): Promise<void> {
  if (terminal.json) {
    terminal.value(preview)
    return
  }
  const nowMs = now()
  printWarnings(terminal, preview.warnings)
  if (preview.slots.length === 0) terminal.print('It has no slot to come.')
  else {
    const table = new Table<JobPreview['slots'][number]>(
      terminal,
      [
        { heading: 'SLOT', text: ({ local }) => local, narrow: 'whole' },
        { heading: 'FIRES', text: ({ fireAt }) => timeText(fireAt, nowMs) },
      ],
      preview.slots,
    )
    await terminal.write(`${table.head()}${preview.slots.map((slot) => table.line(slot)).join('')}`)
  }
  for (const skipped of preview.skipped) terminal.print(`skipped: ${skippedText(skipped)}`)
  const { missed } = preview
  if (missed === undefined) return
  terminal.print(missed.run.length === 0 ? 'missed: no slot would run late' : `missed: would run late: ${missed.run.join(', ')}`)
  for (const skipped of missed.skipped) terminal.print(`missed: would be skipped: ${skippedText(skipped)}`)
}

function skippedText({ reason, from, to, count, atLeast }: JobPreview['skipped'][number]): string {
  const slots = count === 1 ? `1 slot, ${from}` : `${atLeast ? 'at least ' : ''}${count} slots from ${from} to ${to}`
  return `${slots} (${reason})`
}
