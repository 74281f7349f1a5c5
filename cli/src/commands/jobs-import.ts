import { CarillonError, printable } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseChoice, wrong } from '../arguments/scalars.ts'
import { type Invocation, invocationOf } from '../invocation.ts'
import { importJobs, printReport } from '../job-files/importers/import-jobs.ts'
import { IMPORT_SOURCES, type ImportSource } from '../job-files/importers/import-result.ts'
import { readNamedText } from '../job-files/jobs-file-source.ts'
import type { WrittenJob } from '../job-files/written-job.ts'
import { CARILLON } from '../own-command.ts'
import { applyList } from './jobs-files.ts'

interface ImportCommandOptions {
  readonly from: ImportSource
  readonly timezone?: string
  readonly userColumn?: true
  readonly apply?: true
}

const HELP = `
Prints the jobs as YAML on stdout, and on stderr a line for each object: what is carried, what changes its meaning, what is lost, and why. All jobs
are paused, because two systems would fire them otherwise. Once a job is stored, --apply leaves its state alone.
How to get the file: docs/MIGRATING.md.

Examples:
  ${CARILLON} jobs import --from crontab /etc/crontab --user-column --timezone Europe/Paris > jobs.yaml
  ${CARILLON} jobs import --from xxl-job xxl_job.sql --timezone Asia/Shanghai | ${CARILLON} jobs apply -f - --dry-run`

/** `carillon jobs import`: the jobs of another system. */
export function addJobsImportCommand(jobs: Command): void {
  jobs
    .command('import')
    .description('the jobs of another system as YAML, with a report of what cannot be carried')
    .argument('<file>', 'its export, or - for standard input')
    .requiredOption('--from <system>', IMPORT_SOURCES.join(', '), (text) => parseChoice('--from', text, IMPORT_SOURCES))
    .option('--timezone <zone>', 'the zone of cron expressions that bring none: that of the other system', checkZone)
    .option('--user-column', 'of a crontab: the sixth field names a user, as in /etc/crontab')
    .option('--apply', 'put the jobs at once, instead of printing them')
    .addHelpText('after', HELP)
    .action(runImport)
}

/** @throws CarillonError INVALID_TIME_ZONE */
function checkZone(zone: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return zone
  } catch (error) {
    const value = printable(zone)
    throw new CarillonError('INVALID_TIME_ZONE', `--timezone ${value} is unknown`, { field: '--timezone', value, cause: error })
  }
}

async function runImport(file: string, options: ImportCommandOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  if (options.userColumn && options.from !== 'crontab')
    throw wrong('--user-column', 'true', 'Leave it out: only a crontab has such a column.')
  const { text } = await readNamedText(file, 'input')
  const { jobs, report } = importJobs(options.from, text, { timezone: options.timezone, userColumn: options.userColumn === true })
  printReport(invocation.terminal, report)
  if (options.apply) await applyImported(invocation, jobs)
  else await print(invocation, jobs)
}

async function print({ terminal }: Invocation, jobs: readonly WrittenJob[]): Promise<void> {
  if (terminal.json) terminal.value(jobs)
  else await terminal.write((await import('../job-files/write-jobs-file.ts')).jobsText(jobs))
}

async function applyImported(invocation: Invocation, jobs: readonly WrittenJob[]): Promise<void> {
  const { jobsText } = await import('../job-files/write-jobs-file.ts')
  const { readJobsFile } = await import('../job-files/read-jobs-file.ts')
  const name = 'the imported jobs'
  await applyList(invocation, readJobsFile(jobsText(jobs), name), { name, prune: false, dryRun: false, pausesNewOnly: true })
}
