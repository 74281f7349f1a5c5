import {
  ALERT_SCENES,
  type AlertRuleInput,
  type AlertRuleView,
  type AlertScene,
  CALLS,
  CarillonError,
  checkName,
  printable,
} from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { parseChoice, parseWhole } from '../arguments/scalars.ts'
import { pagesOf } from '../client/pages.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printFields, printList } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { CARILLON } from '../own-command.ts'
import { addListOptions, type ListOptions } from './list-options.ts'

interface PutOptions {
  readonly scene: AlertScene
  readonly job?: string[]
  readonly handler?: string[]
  readonly instance?: string[]
  readonly channel?: string[]
  readonly threshold?: number
  readonly within?: number
  readonly grace?: number
  readonly recoverAfter?: number
  readonly recoverTime?: number
  readonly remind?: number
  readonly quiet?: { readonly from: string; readonly to: string }
  readonly timezone?: string
  readonly groupBy?: 'cause' | 'rule'
  readonly description?: string
  readonly disabled?: true
}

const HELP = `
Scenes: ${ALERT_SCENES.join(', ')}.

Examples:
  ${CARILLON} alerts rules put failures --scene run-failed --job 'bill-*' --channel ops
  ${CARILLON} alerts rules put often --scene run-failed --threshold 5 --within 10m --channel ops
  ${CARILLON} alerts rules put in-row --scene failures-in-row --threshold 3 --recover-after 2 --channel ops
  ${CARILLON} alerts rules put missing --scene missing --grace 5m --remind 1h --quiet 22:00-06:00 --timezone Europe/Paris --channel ops`

const gather = (text: string, before: string[] = []) => [...before, ...text.split(',').map((part) => part.trim())]
const duration = (option: string) => (text: string) => parseDuration(option, text)
const count = (option: string) => (text: string) => parseWhole(option, text, { min: 1, max: 100 })

/** `carillon alerts rules …`. */
export function addAlertRulesCommands(alerts: Command): void {
  const rules = alerts.command('rules').description('what alerts are about: put, list, get, rm')
  rules
    .command('put')
    .description('create a rule, or replace the one of that name')
    .argument('<name>', '1 to 64 letters, digits, "-" or "_"')
    .requiredOption('--scene <scene>', 'what it is about', (text) => parseChoice('--scene', text, ALERT_SCENES))
    .option('--job <names>', 'only of these jobs, or beginnings of names such as bill-*; may be repeated', gather)
    .option('--handler <names>', 'only of these handlers', gather)
    .option('--instance <names>', 'only of these instances or services', gather)
    .option('--channel <names>', 'where it is sent to; may be repeated', gather)
    .option('--threshold <n>', 'so many within --within, or in a row', count('--threshold'))
    .option('--within <duration>', 'the window of the threshold', duration('--within'))
    .option('--grace <duration>', 'how long something may last, or how late it may be', duration('--grace'))
    .option('--recover-after <n>', 'successes in a row after which it is over', count('--recover-after'))
    .option('--recover-time <duration>', 'how long nothing of it must have happened until it is over', duration('--recover-time'))
    .option('--remind <duration>', 'how often it is sent again while it is open', duration('--remind'))
    .option('--quiet <from-to>', 'hours in which nothing is sent, such as 22:00-06:00', parseQuiet)
    .option('--timezone <zone>', 'of the quiet hours')
    .option('--group-by <cause|rule>', 'an incident for each cause, or one for all', (text) =>
      parseChoice('--group-by', text, ['cause', 'rule']),
    )
    .option('--description <text>', 'what it is for')
    .option('--disabled', 'it finds nothing')
    .addHelpText('after', HELP)
    .action(putRule)
  addListOptions(rules.command('list').alias('ls').description('rules by name')).action(listRules)
  rules.command('get').description('one rule').argument('<name>').action(getRule)
  rules.command('rm').alias('remove').description('remove a rule; what of it is open ends').argument('<name>').action(removeRule)
}

function parseQuiet(text: string): { from: string; to: string } {
  const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(text.trim()) ?? []
  if (from !== undefined && to !== undefined) return { from, to }
  const hint = 'Use two times of day, such as 22:00-06:00.'
  throw new CarillonError('INVALID_ALERT', `--quiet is wrong: ${printable(text)}`, { field: '--quiet', value: printable(text), hint })
}

function ruleOf(name: string, options: PutOptions): AlertRuleInput {
  const { scene, job, handler, instance, channel, quiet, timezone, disabled } = options
  if (timezone !== undefined && quiet === undefined)
    throw new CarillonError('INVALID_ALERT', '--timezone means nothing without --quiet', {
      field: '--timezone',
      value: printable(timezone),
    })
  const given = {
    ...{ jobs: job, handlers: handler, instances: instance, channels: channel, threshold: options.threshold, windowMs: options.within },
    ...{ graceMs: options.grace, recoverAfter: options.recoverAfter, recoverAfterMs: options.recoverTime, remindEveryMs: options.remind },
    ...{ groupBy: options.groupBy, description: options.description, enabled: disabled ? false : undefined },
    quietHours: quiet && { ...quiet, ...(timezone === undefined ? {} : { timezone }) },
  }
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { name: checkName('rule', name), scene, ...fields }
}

async function putRule(name: string, options: PutOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const input = ruleOf(name, options)
  await withClient(invocation, async (client) => printRule(invocation.terminal, await client.call(CALLS.alertRulesPut, input)))
}

const filterText = ({ jobs = [], handlers = [], instances = [] }: AlertRuleView) => [...jobs, ...handlers, ...instances].join(', ')

const COLUMNS: readonly Column<AlertRuleView>[] = [
  { heading: 'RULE', text: ({ name }) => name, narrow: 'whole' },
  { heading: 'SCENE', text: ({ scene }) => scene },
  { heading: 'OF', text: filterText, narrow: 1 },
  { heading: 'CHANNELS', text: ({ channels }) => channels.join(', ') },
  { heading: 'DESCRIPTION', text: ({ description = '' }) => description, narrow: 2 },
  { heading: 'WARNING', text: ({ enabled }) => (enabled ? '' : 'disabled'), tone: () => 'warning' },
]

/** Values with their names, as they are written. */
const OWN = ['name', 'scene', 'channels', 'createdAt', 'updatedAt', 'by']

function printRule(terminal: Terminal, rule: AlertRuleView): void {
  const { name, scene, channels, createdAt, updatedAt, by } = rule
  const others = Object.entries(rule).filter(([field]) => !OWN.includes(field))
  printFields(terminal, rule, [
    ['rule', name],
    ['scene', scene],
    ['channels', channels.join(', ')],
    ...others.map(([field, value]) => [field, typeof value === 'string' ? value : JSON.stringify(value)] as const),
    ['created', createdAt],
    ['updated', by === undefined ? updatedAt : `${updatedAt} by ${by}`],
  ])
}

async function listRules({ limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.alertRulesList, { limit, cursor }))
    const empty = `No alert rules yet. Make one: ${CARILLON} alerts rules put failures --scene run-failed --channel ops${invocation.repeated}`
    await printList(invocation.terminal, pages, { all: all === true, columns: COLUMNS, empty })
  })
}

async function getRule(name: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printRule(invocation.terminal, await client.call(CALLS.alertRulesGet, { name })))
}

async function removeRule(name: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const outcome = await client.call(CALLS.alertRulesRemove, { name })
    if (invocation.terminal.json) invocation.terminal.value({ name, ...outcome })
    else invocation.terminal.print(`removed ${name}`)
  })
}
