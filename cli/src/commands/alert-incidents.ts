import { CALLS, checkName, INCIDENT_STATES, type IncidentState, type IncidentView } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { parseChoice } from '../arguments/scalars.ts'
import { pagesOf } from '../client/pages.ts'
import { now } from '../clock.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printFields, printList } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { relativeText, timeText } from '../output/time-text.ts'
import { addListOptions, type ListOptions } from './list-options.ts'

interface FilterOptions extends ListOptions {
  readonly state?: IncidentState
  readonly rule?: string
}

/** `carillon alerts incidents …`. */
export function addAlertIncidentsCommands(alerts: Command): void {
  const incidents = alerts.command('incidents').description('what rules found: list, get, ack, snooze')
  addListOptions(
    incidents
      .command('list')
      .alias('ls')
      .description('incidents, newest first')
      .option('--state <open|recovered>', 'only these', (text) => parseChoice('--state', text, INCIDENT_STATES))
      .option('--rule <name>', 'of this rule', (text) => checkName('--rule', text)),
  ).action(listIncidents)
  incidents.command('get').description('one incident, with what was sent about it').argument('<id>').action(getIncident)
  incidents
    .command('ack')
    .alias('acknowledge')
    .description('take care of an open incident: no more reminders')
    .argument('<id>')
    .option('--note <text>', 'what is done about it')
    .action(acknowledge)
  incidents
    .command('snooze')
    .description('no reminders for a while')
    .argument('<id>')
    .option('--for <duration>', 'how long; 0: not any more', (text) => parseDuration('--for', text))
    .action(snooze)
}

function columns(): Column<IncidentView>[] {
  const nowMs = now()
  return [
    { heading: 'INCIDENT', text: ({ id }) => id, narrow: 'whole' },
    { heading: 'STATE', text: ({ state }) => state, tone: ({ state }) => (state === 'open' ? 'bad' : 'good') },
    {
      heading: 'OPENED',
      text: ({ openedAt }) => timeText(openedAt, nowMs),
      brief: ({ openedAt }) => relativeText(openedAt, nowMs),
      narrow: 2,
    },
    { heading: 'RULE', text: ({ rule }) => rule, narrow: 1 },
    { heading: 'WHAT', text: ({ summary }) => summary },
    { heading: 'TAKEN BY', text: ({ acknowledged }) => acknowledged?.by ?? '' },
  ]
}

function printIncident(terminal: Terminal, incident: IncidentView): void {
  const { id, rule, scene, state, summary, count, examples, more, openedAt, lastAt, recoveredAt, recovery, acknowledged, snoozedUntil } =
    incident
  const nowMs = now()
  printFields(terminal, incident, [
    ['incident', id],
    ['state', state],
    ['what', summary],
    ['rule', `${rule} (${scene})`],
    ['count', String(count)],
    ['opened', timeText(openedAt, nowMs)],
    ['last', timeText(lastAt, nowMs)],
    ['recovered', recoveredAt && `${timeText(recoveredAt, nowMs)}: ${recovery}`],
    ['taken by', acknowledged && `${acknowledged.by} ${timeText(acknowledged.at, nowMs)} ${acknowledged.note ?? ''}`.trim()],
    ['snoozed until', snoozedUntil && timeText(snoozedUntil, nowMs)],
    ...examples.map(({ at, what, runId, instance, node, error }) => {
      const parts = [at, runId ?? instance, node, what, error]
      return ['example', parts.filter((part) => part !== undefined).join(' ')] as const
    }),
    ['more', more === 0 ? undefined : `+${more} more`],
    ...(incident.deliveries ?? []).map(
      ({ channel, transition, state: delivered, tries, answer = '', nextTryAt }) =>
        [
          'sent',
          `${transition} to ${channel}: ${delivered} after ${tries} tries ${answer}${nextTryAt ? `, again ${nextTryAt}` : ''}`.trim(),
        ] as const,
    ),
  ])
}

async function listIncidents({ limit, all, state, rule }: FilterOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.incidentsList, { state, rule, limit, cursor }))
    await printList(invocation.terminal, pages, { all: all === true, columns: columns(), empty: 'No incidents.' })
  })
}

async function getIncident(id: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printIncident(invocation.terminal, await client.call(CALLS.incidentsGet, { id })))
}

async function acknowledge(id: string, { note }: { readonly note?: string }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) =>
    printIncident(invocation.terminal, await client.call(CALLS.incidentsAcknowledge, { id, note })),
  )
}

async function snooze(id: string, { for: forMs }: { readonly for?: number }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) =>
    printIncident(invocation.terminal, await client.call(CALLS.incidentsSnooze, { id, forMs })),
  )
}
