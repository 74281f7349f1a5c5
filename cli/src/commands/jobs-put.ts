import { CALLS, CarillonError, checkName, type JobInput } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { readPayload } from '../arguments/payload.ts'
import { checkInstant, parseChoice } from '../arguments/scalars.ts'
import { now } from '../clock.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { CARILLON } from '../own-command.ts'
import { addPolicyOptions, type PolicyOptions, policyOf } from './job-policy.ts'
import { printJob } from './job-view.ts'
import { addPlanOptions, type PlanOptions, planOf } from './plan-options.ts'

interface PutOptions extends PolicyOptions, PlanOptions {
  readonly handler?: string
  readonly description?: string
  readonly cron?: string
  readonly timezone?: string
  readonly every?: number
  readonly jitter?: number
  readonly at?: string
  readonly delay?: number
  readonly payload?: string
  readonly misfire?: 'once' | 'skip' | 'all'
}

const HELP = `
Without a schedule the job fires only when it is asked to: ${CARILLON} run <name>.

Examples:
  ${CARILLON} jobs put report --handler report --cron '*/5 * * * * *' --timezone Europe/Paris
  ${CARILLON} jobs put export --shards 8 --max-parallel 4 --tolerate 5%
  ${CARILLON} jobs put word-count --mode map-reduce --shards 3
  ${CARILLON} jobs put cleanup --every 10m --timeout 30s --attempts 3
  ${CARILLON} jobs put reminder --delay 60d --payload '{"to":"ada"}'`

/** `carillon jobs put`: creates a job, or replaces the one of that name. */
export function addJobsPutCommand(jobs: Command): void {
  const command = jobs
    .command('put')
    .description('create a job, or replace the one of that name')
    .argument('<name>', '1 to 64 letters, digits, "-" or "_"')
    .option('--handler <name>', "the handler that does the work (default: the job's name)")
    .option('--cron <expression>', '5 fields, or 6 with seconds first')
    .option('--timezone <zone>', 'IANA name for --cron (default: UTC)')
    .option('--every <duration>', 'fixed rate, such as 5s', (text) => parseDuration('--every', text))
    .option('--jitter <duration>', 'fire each slot up to so much later, so that many jobs do not begin at once', (text) =>
      parseDuration('--jitter', text),
    )
    .option('--at <time>', 'once, such as 2030-01-31T09:00:00Z', (text) => checkInstant('--at', text))
    .option('--delay <duration>', 'once, that much later, such as 60d', (text) => parseDuration('--delay', text))
    .option('--payload <json>', 'JSON, @file, or - for standard input')
  addPlanOptions(addPolicyOptions(command))
    .option('--misfire <policy>', 'for missed slots: once, skip or all (default: once)', (text) =>
      parseChoice('--misfire', text, ['once', 'skip', 'all']),
    )
    .option('--description <text>', 'what it is for')
    .addHelpText('after', HELP)
    .action(async (name: string, options: PutOptions, self: Command) => {
      const invocation = invocationOf(self)
      const input = await jobInputOf(name, options)
      await withClient(invocation, async (client) => printJob(invocation.terminal, await client.call(CALLS.jobsPut, input)))
    })
}

async function jobInputOf(name: string, options: PutOptions): Promise<JobInput> {
  const schedule = scheduleOf(options)
  return {
    name: checkName('job', name),
    ...(options.handler === undefined ? {} : { handler: checkName('--handler', options.handler) }),
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(options.payload === undefined ? {} : { payload: await readPayload(options.payload) }),
    ...(options.misfire === undefined ? {} : { misfire: options.misfire }),
    ...policyOf(options),
    ...(await planOf(options)),
  }
}

function scheduleOf(options: PutOptions): JobInput['schedule'] {
  const given = (['cron', 'every', 'at', 'delay'] as const).filter((name) => options[name] !== undefined)
  if (given.length > 1) {
    throw new CarillonError('INVALID_REQUEST', `${given.map((name) => `--${name}`).join(' and ')} exclude each other`, {
      field: `--${given[1]}`,
      hint: 'A job has one schedule.',
    })
  }
  if (options.timezone !== undefined && options.cron === undefined) {
    throw new CarillonError('INVALID_REQUEST', '--timezone goes with --cron', { field: '--timezone', hint: 'Add --cron, or leave it out.' })
  }
  if (options.jitter !== undefined && options.cron === undefined && options.every === undefined) {
    throw new CarillonError('INVALID_REQUEST', '--jitter goes with --cron or --every', {
      field: '--jitter',
      hint: 'Add one of them, or leave it out.',
    })
  }
  const jitter = options.jitter === undefined ? {} : { jitterMs: options.jitter }
  if (options.cron !== undefined)
    return { cron: options.cron, ...(options.timezone === undefined ? {} : { timezone: options.timezone }), ...jitter }
  if (options.every !== undefined) return { everyMs: options.every, ...jitter }
  if (options.at !== undefined) return { at: options.at }
  return options.delay === undefined ? undefined : { at: new Date(now() + options.delay).toISOString() }
}
