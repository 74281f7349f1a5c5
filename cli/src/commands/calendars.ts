import { CALLS, type CalendarInput, checkName, LIMITS } from '@carillon/contracts'
import type { Command } from 'commander'
import { MACHINE_SOURCES, readText, type TextRule } from '../arguments/text.ts'
import { pagesOf } from '../client/pages.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printList } from '../output/table.ts'
import { CARILLON } from '../own-command.ts'
import { calendarColumns, printCalendar } from './calendar-view.ts'
import { addListOptions, type ListOptions } from './list-options.ts'
import { addRevisionOption, type RevisionOption, revisionOf } from './revision-option.ts'

interface PutOptions extends RevisionOption {
  readonly days?: readonly string[]
  readonly ics?: string
  readonly description?: string
}

const HELP = `
Of an iCalendar file the all-day events count, on one date or once a year. What is left out is a warning.

Examples:
  ${CARILLON} calendars put holidays-fr --days 2026-12-25,2027-01-01
  ${CARILLON} calendars put holidays-fr --ics holidays.ics --description 'public holidays in France'
  curl -s https://example.com/holidays.ics | ${CARILLON} calendars put holidays-fr --ics -`

const ICS: TextRule = {
  field: '--ics',
  maxBytes: LIMITS.icsBytes,
  tooLarge: {
    code: 'INVALID_CALENDAR',
    message: `--ics has more than ${LIMITS.icsBytes} bytes`,
    hint: 'Give a smaller file, or its days with --days.',
  },
  notText: 'INVALID_CALENDAR',
  hint: 'Give the path of an iCalendar file, or - for standard input.',
}

/** `carillon calendars …`. */
export function addCalendarsCommands(program: Command): void {
  const calendars = program.command('calendars').description('named lists of days, such as holidays: put, list, get, rm')
  addRevisionOption(calendars.command('put'))
    .description('create a calendar, or replace the one of that name')
    .argument('<name>', '1 to 64 letters, digits, "-" or "_"')
    .option('--days <days>', 'days as YYYY-MM-DD, with commas between them; may be repeated', gatherDays)
    .option('--ics <file>', 'an iCalendar file, or - for standard input')
    .option('--description <text>', 'what it is for')
    .addHelpText('after', HELP)
    .action(putCalendar)
  addListOptions(calendars.command('list').alias('ls').description('calendars by name')).action(listCalendars)
  calendars.command('get').description('one calendar with its days').argument('<name>').action(getCalendar)
  addRevisionOption(calendars.command('rm').alias('remove')).description('remove a calendar').argument('<name>').action(removeCalendar)
}

const gatherDays = (text: string, before: readonly string[] = []) => [...before, ...text.split(',').map((day) => day.trim())]

async function putCalendar(name: string, { days, ics, description, ...options }: PutOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const input: CalendarInput = {
    name: checkName('calendar', name),
    ...(description === undefined ? {} : { description }),
    ...(days === undefined ? {} : { days: [...days] }),
    ...(ics === undefined ? {} : { ics: await readText(ics === '-' ? undefined : ics, ICS, MACHINE_SOURCES) }),
  }
  await withClient(invocation, async (client) =>
    printCalendar(invocation.terminal, await client.call(CALLS.calendarsPut, { ...input, ...revisionOf(options) })),
  )
}

async function listCalendars({ limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.calendarsList, { limit, cursor }))
    const empty = `No calendars yet. Make one: ${CARILLON} calendars put holidays --days 2030-12-25,2031-01-01${invocation.repeated}`
    await printList(invocation.terminal, pages, { all: all === true, columns: calendarColumns(), empty })
  })
}

async function getCalendar(name: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printCalendar(invocation.terminal, await client.call(CALLS.calendarsGet, { name })))
}

async function removeCalendar(name: string, options: RevisionOption, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const outcome = await client.call(CALLS.calendarsRemove, { name, ...revisionOf(options) })
    if (invocation.terminal.json) invocation.terminal.value({ name, ...outcome })
    else invocation.terminal.print(`removed ${name}`)
  })
}
