import {
  CALLS,
  CarillonError,
  checkName,
  STATS_COMPARISONS,
  STATS_RANGES,
  type StatsComparison,
  type StatsGate,
  type StatsRange,
} from '@carillon/contracts'
import { type Command, Option } from 'commander'
import { parseText } from '../arguments/scalars.ts'
import { type Invocation, invocationOf, withClient } from '../invocation.ts'
import { printList } from '../output/table.ts'
import { spanText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'
import { printStats, QUEUES } from './stats-view.ts'

interface StatsOptions {
  readonly range: StatsRange
  readonly zone: string
  readonly compare?: StatsComparison
  readonly queues?: true
}

const HELP = `
What ended is counted every few seconds and kept when the runs are gone: quarters of an hour for 9 days, hours for 36, days for 400.

Examples:
  ${CARILLON} stats --range 1h
  ${CARILLON} stats --range 24h --compare 7d
  ${CARILLON} stats report --range 30d --zone Europe/Paris
  ${CARILLON} stats --queues`

/** `carillon stats [job]`. */
export function addStatsCommand(program: Command): void {
  program
    .command('stats')
    .description('how everything, or one job, fares: rates, failures, run times; what waits, and why')
    .argument('[job]', 'of this job alone', (text) => checkName('job', text))
    .addOption(new Option('--range <range>', 'up to now').choices([...STATS_RANGES]).default('24h'))
    .option('--zone <name>', 'where the days of a month begin', (text) => parseText('--zone', text, 'Give an IANA name.'), 'UTC')
    .addOption(new Option('--compare <before>', 'with the same hours so long before').choices([...STATS_COMPARISONS]))
    .option('--queues', 'what waits now, by handler and reason')
    .addHelpText('after', HELP)
    .action(showStats)
}

async function showStats(name: string | undefined, { range, zone, compare, queues }: StatsOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  if (queues) {
    if (name !== undefined)
      throw new CarillonError('INVALID_REQUEST', 'queues are those of handlers, not of a job', {
        field: '--queues',
        value: name,
        hint: 'Give either a job or --queues.',
      })
    return showQueues(invocation)
  }
  await withClient(invocation, async (client) => {
    const question = { range, zone, ...(compare === undefined ? {} : { compare }) }
    const stats = await (name === undefined
      ? client.call(CALLS.statsOverview, question)
      : client.call(CALLS.statsJob, { name, ...question }))
    printStats(invocation.terminal, stats)
  })
}

async function showQueues(invocation: Invocation): Promise<void> {
  const { terminal } = invocation
  await withClient(invocation, async (client) => {
    const found = await client.call(CALLS.statsQueues, {})
    if (terminal.json) {
      terminal.value(found)
      return
    }
    const pages = async function* () {
      yield { items: found.handlers }
    }
    await printList(terminal, pages(), { all: true, columns: QUEUES, empty: 'No instance offers a handler, and nothing waits.' })
    for (const gate of found.gates) terminal.print(gateText(gate))
    if (found.isCapped) terminal.note('More than 10,000 are open: these are the numbers of the oldest ones.')
  })
}

function gateText({ job, handler, key, waiting, oldestMs, holders, limit, isFull }: StatsGate): string {
  const of = `${job ?? `handler ${handler}`}${key === undefined ? '' : ` (${key})`}`
  const room = limit === undefined ? '' : `, ${isFull ? 'full' : 'has room'}: ${holders} of ${limit}`
  return `gate of ${of}${room}; ${waiting} wait, the oldest for ${spanText(oldestMs)}`
}
