import { CALLS, LIMITS, type RunsPruned } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { parseWhole } from '../arguments/scalars.ts'
import { invocationOf, withClient } from '../invocation.ts'

interface PruneOptions {
  readonly dryRun?: true
  readonly olderThan?: number
  readonly keep?: number
  readonly job?: string
}

const HELP = `
Coordinators remove ended runs by themselves: those of a job beyond its newest 20 and all others, when they are older than a day (settings). This
does it at once, and with other limits. Open runs are never removed; a key starts no second run for 30 days after its run was removed.`

/** `carillon prune`. */
export function addPruneCommand(program: Command): void {
  program
    .command('prune')
    .description('remove ended runs, with their tasks and steps')
    .option('--dry-run', 'only count what would be removed')
    .option('--older-than <duration>', 'runs that ended longer ago than this, such as 2h, 7d', (text) =>
      parseDuration('--older-than', text),
    )
    .option('--keep <n>', 'newest runs of each job to keep', (text) => parseWhole('--keep', text, { min: 0, max: LIMITS.keepPerJob }))
    .option('--job <name>', 'runs of this job only')
    .addHelpText('after', HELP)
    .action(prune)
}

async function prune({ dryRun, olderThan, keep, job }: PruneOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal } = invocation
  const request = {
    dryRun: dryRun === true,
    ...(olderThan === undefined ? {} : { olderThanMs: olderThan }),
    ...(keep === undefined ? {} : { keep }),
    ...(job === undefined ? {} : { job }),
  }
  await withClient(invocation, async (client) => {
    const sum = { runs: 0, tasks: 0, steps: 0, remembered: 0 }
    let next: string | undefined
    do {
      const answer: RunsPruned = await client.call(CALLS.runsPrune, { ...request, ...(next === undefined ? {} : { cursor: next }) })
      for (const kind of ['runs', 'tasks', 'steps', 'remembered'] as const) sum[kind] += answer.removed[kind]
      next = answer.next
    } while (next !== undefined)
    if (terminal.json) terminal.value({ dryRun: request.dryRun, removed: sum })
    else terminal.print(prunedText(sum, request.dryRun))
  })
}

function prunedText({ runs, tasks, steps, remembered }: RunsPruned['removed'], dryRun: boolean): string {
  const counted = (count: number, noun: string) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
  const begins = `${dryRun ? 'would remove' : 'removed'} ${counted(runs, 'run')}, ${counted(tasks, 'task')}, ${counted(steps, 'step')}`
  if (remembered === 0) return begins
  return `${begins}; of ${counted(remembered, 'run')} the key or id stays taken for a time`
}
