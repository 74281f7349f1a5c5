import { type CALLS, type CallInput, CarillonError, checkName } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { readPayload } from '../arguments/payload.ts'
import { parseTime } from '../arguments/scalars.ts'
import { startAndWait, startDetached } from '../following/start-run.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { CARILLON } from '../own-command.ts'
import { addGatingOptions, type GatingOptions, gatingOf } from './gating-options.ts'
import { addPolicyOptions, type PolicyOptions, policyOf } from './job-policy.ts'
import { addPlanOptions, type PlanOptions, planOf } from './plan-options.ts'
import { addRoutingOptions, type RoutingOptions, routingOf } from './routing-options.ts'

interface RunOptions extends PolicyOptions, PlanOptions, RoutingOptions, GatingOptions {
  readonly key?: string
  readonly delay?: number
  readonly at?: string
  readonly detach?: true
  readonly quiet?: true
}

const HELP = `
Waits for the end, shows state and log lines as they come, and prints the result as JSON on the last line.
With --json: one object that always has runId, state, result and reason; with --quiet: the result alone.

Exit codes: 0 it succeeded · 1 it ended otherwise · 2 wrong input · 3 broker or service not reached · 130 Ctrl-C (the run goes on)

Examples:
  ${CARILLON} run hello '{"name":"Ada"}'
  ${CARILLON} run report @payload.json --key order-1 --attempts 3 --backoff exponential:1s
  ${CARILLON} run export --shards 8 --max-parallel 4
  ${CARILLON} run convert --items @files.json --tolerate 5%
  ${CARILLON} run word-count '{"folder":"books"}' --shards 3
  ${CARILLON} run sync '{"tenant":"a"}' --concurrency-key payload.tenant --detach
  ${CARILLON} run report --labels gpu=true --where 'load.cpu < 0.8'
  echo '{"day":1}' | ${CARILLON} run report - --delay 60d --detach`

/** `carillon run`: starts a job or a handler and waits for its end. */
export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .description('start a job, or a handler directly, and wait for its result')
    .argument('<job-or-handler>', 'a job of that name, else the handler of that name')
    .argument('[payload]', 'JSON, @file, or - for standard input')
    .option('--key <key>', 'idempotency key: one run for each key')
    .option('--delay <duration>', 'start later, such as 500ms, 5s, 10m, 2h, 60d', (text) => parseDuration('--delay', text))
    .option('--at <time>', 'start at a time, such as 2030-01-31T09:00:00Z', (text) => parseTime('--at', text))
  addGatingOptions(addRoutingOptions(addPlanOptions(addPolicyOptions(command))))
    .option('-d, --detach', 'print the run and do not wait')
    .option('-q, --quiet', 'print the result only')
    .addHelpText('after', HELP)
    .action(async (name: string, payload: string | undefined, options: RunOptions, self: Command) => {
      const invocation = invocationOf(self)
      const request = await requestOf(name, payload, options)
      await withClient(invocation, async (client) => {
        const session = { client, invocation, quiet: options.quiet === true }
        process.exitCode = options.detach ? await startDetached(session, request) : await startAndWait(session, request)
      })
    })
}

async function requestOf(name: string, payload: string | undefined, options: RunOptions): Promise<CallInput<typeof CALLS.jobsRun>> {
  if (options.delay !== undefined && options.at !== undefined) {
    throw new CarillonError('INVALID_REQUEST', '--delay and --at exclude each other', { field: '--at', hint: 'Give one of them.' })
  }
  return {
    job: checkName('job', name),
    ...(payload === undefined ? {} : { payload: await readPayload(payload) }),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.delay === undefined ? {} : { delayMs: options.delay }),
    ...(options.at === undefined ? {} : { at: options.at }),
    ...policyOf(options),
    ...routingOf(options),
    ...gatingOf(options),
    ...(await planOf(options)),
  }
}
