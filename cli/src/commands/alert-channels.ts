import {
  type AlertChannelInput,
  type AlertChannelView,
  CALLS,
  checkName,
  MESSAGE_LANGUAGES,
  type MessageLanguage,
} from '@carillon/contracts'
import type { Command } from 'commander'
import { readPayload } from '../arguments/payload.ts'
import { parseChoice } from '../arguments/scalars.ts'
import { pagesOf } from '../client/pages.ts'
import { EXIT } from '../exit-code.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printFields, printList } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { CARILLON } from '../own-command.ts'
import { addListOptions, type ListOptions } from './list-options.ts'

interface PutOptions {
  readonly language?: MessageLanguage
  readonly description?: string
  readonly disabled?: true
}

const HELP = `
A target is JSON, such as {"kind":"webhook","url":"https://…","secrets":["whsec_…"]}. Kinds: email, webhook, slack, dingtalk, wecom, feishu, nats; docs/ALERTS.md has
the fields of each. Secrets are never shown again; one that is left out stays as it was. Give them from a file or standard input: what stands in a command line, every
user of this machine can read.

Examples:
  ${CARILLON} alerts channels put ops @webhook.json
  ${CARILLON} alerts channels put bus '{"kind":"nats","subject":"ops.alerts"}'`

/** `carillon alerts channels …`. */
export function addAlertChannelsCommands(alerts: Command): void {
  const channels = alerts.command('channels').description('where alerts are sent to: put, list, get, test, rm')
  channels
    .command('put')
    .description('create a channel, or replace the one of that name')
    .argument('<name>', '1 to 64 letters, digits, "-" or "_"')
    .argument('<target>', 'where to, as JSON, @file, or - for standard input')
    .option('--language <en|zh-CN>', 'of its messages', (text) => parseChoice('--language', text, MESSAGE_LANGUAGES))
    .option('--description <text>', 'what it is for')
    .option('--disabled', 'it sends nothing')
    .addHelpText('after', HELP)
    .action(putChannel)
  addListOptions(channels.command('list').alias('ls').description('channels by name, and what they last sent')).action(listChannels)
  channels.command('get').description('one channel, without its secrets').argument('<name>').action(getChannel)
  channels.command('test').description('send a test message, and show what the other side said').argument('<name>').action(testChannel)
  channels.command('rm').alias('remove').description('remove a channel that no rule uses').argument('<name>').action(removeChannel)
}

async function putChannel(name: string, target: string, { language, description, disabled }: PutOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const input = {
    name: checkName('channel', name),
    target: await readPayload(target, { field: 'target' }),
    ...(language === undefined ? {} : { language }),
    ...(description === undefined ? {} : { description }),
    ...(disabled ? { enabled: false } : {}),
  } as AlertChannelInput
  await withClient(invocation, async (client) => printChannel(invocation.terminal, await client.call(CALLS.alertChannelsPut, input)))
}

const COLUMNS: readonly Column<AlertChannelView>[] = [
  { heading: 'CHANNEL', text: ({ name }) => name, narrow: 'whole' },
  { heading: 'KIND', text: ({ target }) => target.kind },
  { heading: 'SENDS TO', text: ({ address }) => address, narrow: 1 },
  { heading: 'LAST', text: ({ last }) => (last === undefined ? '' : `${last.delivered ? 'delivered' : 'failed'} ${last.at}`) },
  { heading: 'ANSWER', text: ({ last }) => last?.answer ?? '', narrow: 2 },
  { heading: 'WARNING', text: warningOf, tone: () => 'warning' },
]

function warningOf({ enabled, disabled, failures = 0, heldUntil }: AlertChannelView): string {
  if (disabled) return disabled.why
  if (!enabled) return 'disabled'
  return failures === 0 ? '' : `${failures} in a row failed${heldUntil === undefined ? '' : `, again from ${heldUntil}`}`
}

function printChannel(terminal: Terminal, channel: AlertChannelView): void {
  const { name, description, target, address, language, secrets, last, createdAt, updatedAt, by } = channel
  const { kind, ...settings } = target
  printFields(terminal, channel, [
    ['channel', name],
    ['description', description],
    ['kind', kind],
    ['sends to', address],
    ...Object.entries(settings).map(([field, value]) => [field, typeof value === 'string' ? value : JSON.stringify(value)] as const),
    ['secrets', secrets.join(', ')],
    ['language', language],
    ['last', last && `${last.delivered ? 'delivered' : 'failed'} ${last.at}: ${last.answer}`],
    ['warning', warningOf(channel) || undefined],
    ['created', createdAt],
    ['updated', by === undefined ? updatedAt : `${updatedAt} by ${by}`],
  ])
}

async function listChannels({ limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.alertChannelsList, { limit, cursor }))
    const empty = `No channels yet. Make one: ${CARILLON} alerts channels put ops @webhook.json${invocation.repeated}`
    await printList(invocation.terminal, pages, { all: all === true, columns: COLUMNS, empty })
  })
}

async function getChannel(name: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printChannel(invocation.terminal, await client.call(CALLS.alertChannelsGet, { name })))
}

async function testChannel(name: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const tested = await client.call(CALLS.alertChannelsTest, { name })
    if (invocation.terminal.json) invocation.terminal.value({ name, ...tested })
    else invocation.terminal.print(`${tested.delivered ? 'delivered' : 'not delivered'}: ${tested.answer}`)
    if (!tested.delivered) process.exitCode = EXIT.failed
  })
}

async function removeChannel(name: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const outcome = await client.call(CALLS.alertChannelsRemove, { name })
    if (invocation.terminal.json) invocation.terminal.value({ name, ...outcome })
    else invocation.terminal.print(`removed ${name}`)
  })
}
