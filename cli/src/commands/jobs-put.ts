import { CALLS, CarillonError, checkName, type FailureBackoff, type JobInput, LIMITS, type ParentJob } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { readPayload } from '../arguments/payload.ts'
import { parseChoice, parseWhole } from '../arguments/scalars.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { CARILLON } from '../own-command.ts'
import { addGatingOptions, type GatingOptions, gatingOf } from './gating-options.ts'
import { addPolicyOptions, type PolicyOptions, policyOf } from './job-policy.ts'
import { printJob } from './job-view.ts'
import { addPlanOptions, type PlanOptions, planOf } from './plan-options.ts'
import { addRevisionOption, type RevisionOption, revisionOf } from './revision-option.ts'
import { addRoutingOptions, type RoutingOptions, routingOf } from './routing-options.ts'
import { addScheduleOptions, type ScheduleOptions, scheduleOf } from './schedule-options.ts'

interface PutOptions extends PolicyOptions, PlanOptions, RoutingOptions, ScheduleOptions, GatingOptions, RevisionOption {
  readonly handler?: string
  readonly description?: string
  readonly payload?: string
  readonly on?: string
  readonly filter?: string
  readonly map?: string
  readonly afterJob?: ParentJob[]
  readonly misfire?: 'once' | 'skip' | 'all'
  readonly misfireAfter?: number
  readonly pauseAfterFailures?: number
  readonly failureBackoff?: FailureBackoff
}

const HELP = `
Without a schedule the job fires only when it is asked to: ${CARILLON} run <name>.

Examples:
  ${CARILLON} jobs put report --handler report --cron '*/5 * * * * *' --timezone Europe/Paris
  ${CARILLON} jobs put export --shards 8 --max-parallel 4 --tolerate 5%
  ${CARILLON} jobs put word-count --mode map-reduce --shards 3
  ${CARILLON} jobs put cleanup --every 10m --timeout 30s --attempts 3
  ${CARILLON} jobs put sync --concurrency-key payload.tenant --max-concurrent 10 --rate 100/1m
  ${CARILLON} jobs put reminder --delay 60d --payload '{"to":"ada"}'`

/** `carillon jobs put`: creates a job, or replaces the one of that name. */
export function addJobsPutCommand(jobs: Command): void {
  const command = jobs
    .command('put')
    .description('create a job, or replace the one of that name')
    .argument('<name>', '1 to 64 letters, digits, "-" or "_"')
    .option('--handler <name>', "the handler that does the work (default: the job's name)")
    .option('--payload <json>', 'JSON, @file, or - for standard input')
  addRevisionOption(addGatingOptions(addRoutingOptions(addPlanOptions(addPolicyOptions(addScheduleOptions(command))))))
    .option('--on <subject>', 'fire for each message on this NATS subject, such as orders.created or orders.>; its body is the payload')
    .option('--filter <expression>', "with --on: only messages for which this is true, such as 'payload.total > 100'")
    .option('--map <expression>', "with --on: the payload of the run, such as '{\"id\": payload.order.id}' (default: the message's)")
    .option('--after-job <job[:when]>', 'fire when a run of that job has succeeded (default), failed or ended; may be repeated', parentOf)
    .option('--misfire <policy>', 'for missed slots: once, skip or all (default: once)', (text) =>
      parseChoice('--misfire', text, ['once', 'skip', 'all']),
    )
    .option('--misfire-after <duration>', 'a slot later than this is missed (default: 1m)', (text) =>
      parseDuration('--misfire-after', text),
    )
    .option('--pause-after-failures <number>', 'pause the job when so many runs in a row have failed', (text) =>
      parseWhole('--pause-after-failures', text, { min: 1, max: LIMITS.failuresInRow }),
    )
    .option(
      '--failure-backoff <step[:after]>',
      'from the failure after 3 (or so many) in a row on fire so much later for each, such as 5m',
      backoffOf,
    )
    .option('--description <text>', 'what it is for')
    .addHelpText('after', HELP)
    .action(async (name: string, options: PutOptions, self: Command) => {
      const invocation = invocationOf(self)
      const input = await jobInputOf(name, options)
      await withClient(invocation, async (client) =>
        printJob(invocation.terminal, await client.call(CALLS.jobsPut, { ...input, ...revisionOf(options) })),
      )
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
    ...onOf(options),
    ...(options.afterJob === undefined ? {} : { afterJobs: options.afterJob }),
    ...(options.misfire === undefined ? {} : { misfire: options.misfire }),
    ...(options.misfireAfter === undefined ? {} : { misfireAfterMs: options.misfireAfter }),
    ...(options.pauseAfterFailures === undefined ? {} : { pauseAfterFailures: options.pauseAfterFailures }),
    ...(options.failureBackoff === undefined ? {} : { failureBackoff: options.failureBackoff }),
    ...gatingOf(options),
    ...policyOf(options),
    ...routingOf(options),
    ...(await planOf(options)),
  }
}

function onOf({ on: subject, filter, map }: PutOptions): Pick<JobInput, 'on'> {
  const alone = filter === undefined ? (map === undefined ? undefined : '--map') : '--filter'
  if (subject === undefined && alone)
    throw new CarillonError('INVALID_REQUEST', `${alone} goes with --on`, { field: alone, hint: 'Give --on, or leave it out.' })
  if (subject === undefined) return {}
  return { on: { subject, ...(filter === undefined ? {} : { filter }), ...(map === undefined ? {} : { map }) } }
}

function parentOf(text: string, before: ParentJob[] = []): ParentJob[] {
  const [job = '', when = 'succeeded'] = text.split(':')
  return [...before, { job: checkName('--after-job', job), when: parseChoice('--after-job', when, ['succeeded', 'failed', 'ended']) }]
}

function backoffOf(text: string): FailureBackoff {
  const [step = '', after = '3'] = text.split(':')
  return {
    stepMs: parseDuration('--failure-backoff', step),
    afterFailures: parseWhole('--failure-backoff', after, { min: 1, max: LIMITS.failuresInRow }),
  }
}
