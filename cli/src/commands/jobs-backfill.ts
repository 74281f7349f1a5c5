import { CALLS, checkName, isDay, LIMITS } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseTime, parseWhole } from '../arguments/scalars.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { CARILLON } from '../own-command.ts'

interface BackfillOptions {
  readonly from: string
  readonly to: string
  readonly concurrency?: number
}

const HELP = `
A slot that has a run keeps it: the same command again makes no further runs, as long as the first ones are kept.

Examples:
  ${CARILLON} jobs backfill nightly --from 2026-10-01 --to 2026-10-07 --concurrency 2
  ${CARILLON} jobs backfill pulse --from 2026-10-01T09:00Z --to 2026-10-01T12:00Z`

const bound = (option: string) => (text: string) => (isDay(text) ? text : parseTime(option, text))

/** `carillon jobs backfill`: fires the slots of a past range on purpose. */
export function addJobsBackfillCommand(jobs: Command): void {
  jobs
    .command('backfill')
    .description('fire the slots of a past range, each once, oldest first')
    .argument('<name>')
    .requiredOption('--from <time>', 'a day in the zone of the job, from its beginning, or a time', bound('--from'))
    .requiredOption('--to <time>', 'a day until its end, or a time', bound('--to'))
    .option('--concurrency <number>', 'runs that may be open at once (default: 1)', (text) =>
      parseWhole('--concurrency', text, { min: 1, max: LIMITS.gateHolders }),
    )
    .addHelpText('after', HELP)
    .action(async (name: string, options: BackfillOptions, self: Command) => {
      const invocation = invocationOf(self)
      const backfill = { name: checkName('name', name), ...options }
      await withClient(invocation, async (client) => {
        const done = await client.call(CALLS.jobsBackfill, backfill)
        const { terminal } = invocation
        if (terminal.json) return terminal.value(done)
        if (done.from === undefined || done.to === undefined) return terminal.print('There is no slot in this range.')
        const kept = done.slots - done.created
        const others = kept === 0 ? '' : `; ${kept} have one already`
        terminal.print(`${done.created} runs for ${done.slots} slots from ${done.from} to ${done.to}${others}`)
      })
    })
}
