import { CALLS, CarillonError, LIMITS } from '@carillon/contracts'
import type { Command } from 'commander'
import type { Client } from '../client/client.ts'
import { itemsOf } from '../client/pages.ts'
import { type Invocation, invocationOf, withClient } from '../invocation.ts'
import { applySteps, checkJobs } from '../job-files/apply-steps.ts'
import { MAX_BYTES, readNamedText } from '../job-files/jobs-file-source.ts'
import { planApply, type Step } from '../job-files/plan-apply.ts'
import { countsText, printSteps, stepViews } from '../job-files/print-steps.ts'
import type { FileJob } from '../job-files/read-jobs-file.ts'
import { writtenOf } from '../job-files/written-job.ts'
import type { Terminal } from '../output/terminal.ts'
import { CARILLON } from '../own-command.ts'
import { printWarnings } from './job-view.ts'

interface ApplyOptions {
  readonly file: string
  readonly prune?: true
  readonly dryRun?: true
}

const EXPORT_HELP = `
What a person wrote of each job: no defaults, no times, and of its state only whether it is paused.

Examples:
  ${CARILLON} jobs export > jobs.yaml
  ${CARILLON} jobs export --namespace shop | ${CARILLON} jobs apply --namespace shop-test -f -`

const APPLY_HELP = `
The file is YAML or JSON: a list of jobs with the fields of jobs.put, and paused: true for those that are to be paused. Without it the state of a job
is left alone. All entries are checked before the first job is changed, and only what differs is changed.

Examples:
  ${CARILLON} jobs apply -f jobs.yaml --dry-run
  ${CARILLON} jobs apply -f jobs.yaml --prune`

/** `carillon jobs export` and `carillon jobs apply`: jobs as files. */
export function addJobsFileCommands(jobs: Command): void {
  jobs
    .command('export')
    .description('all jobs of the namespace as YAML, or with --json as JSON')
    .addHelpText('after', EXPORT_HELP)
    .action(exportJobs)
  jobs
    .command('apply')
    .description('make the jobs as a file has them: shows what differs, then changes only that')
    .requiredOption('-f, --file <file>', 'YAML or JSON, or - for standard input')
    .option('--prune', 'remove the jobs that are not in the file, with their runs that wait for their time')
    .option('--dry-run', 'only show what differs')
    .addHelpText('after', APPLY_HELP)
    .action(applyJobs)
}

async function exportJobs(_options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const jobs = (await storedJobs(client)).map(writtenOf)
    const { terminal } = invocation
    // Loaded here: a reader of YAML would delay the start of every other command.
    const text = terminal.json ? `${JSON.stringify(jobs)}\n` : (await import('../job-files/write-jobs-file.ts')).jobsText(jobs)
    await terminal.write(text)
    if (Buffer.byteLength(text) > MAX_BYTES)
      terminal.note(
        `${terminal.paint('warning', 'warning')} the file has more than ${MAX_BYTES} bytes: divide it before it is applied, and leave out --prune`,
      )
  })
}

async function applyJobs(options: ApplyOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const [prune, dryRun] = [options.prune === true, options.dryRun === true]
  const { text, name } = await readNamedText(options.file, '--file')
  const { readJobsFile } = await import('../job-files/read-jobs-file.ts')
  const jobs = readJobsFile(text, name)
  if (prune && jobs.length === 0)
    throw new CarillonError('INVALID_REQUEST', `${name} holds no job: --prune would remove all of them`, {
      field: '--prune',
      hint: `Give a file that holds a job, or remove jobs by name: ${CARILLON} jobs rm <name>.`,
    })
  await applyList(invocation, jobs, { name, prune, dryRun })
}

const storedJobs = (client: Client) => itemsOf((cursor) => client.call(CALLS.jobsList, { limit: LIMITS.pageSize, cursor }))

/**
 * Shows how the stored jobs differ from these, and changes only that.
 * @param options.name of the file, for errors
 * @param options.pausesNewOnly `paused` holds for jobs that are not stored yet
 */
export async function applyList(
  invocation: Invocation,
  jobs: readonly FileJob[],
  options: { name: string; prune: boolean; dryRun: boolean; pausesNewOnly?: boolean },
): Promise<void> {
  const { terminal } = invocation
  const { name, prune, dryRun } = options
  await withClient(invocation, async (client) => {
    const stored = await storedJobs(client)
    const steps = planApply(jobs, stored, { prune, pausesNewOnly: options.pausesNewOnly === true })
    await checkJobs(client, { steps, stored }, name)
    if (!terminal.json) printSteps(terminal, steps)
    if (!dryRun) await applySteps(client, steps, { file: name, warn: (warning) => printWarnings(terminal, [warning]) })
    report(terminal, steps, dryRun)
  })
}

function report(terminal: Terminal, steps: readonly Step[], dryRun: boolean): void {
  if (terminal.json) {
    terminal.value({ dryRun, jobs: stepViews(steps) })
    return
  }
  const isSame = steps.every(({ action }) => action === 'unchanged')
  if (isSame) terminal.print(`Nothing to change: ${steps.length === 1 ? 'the job is' : `all ${steps.length} jobs are`} as in the file.`)
  else if (dryRun) terminal.print(`${countsText(steps, 'planned')}. Nothing was changed: this was a dry run.`)
  else terminal.print(`${countsText(steps, 'done')}.`)
}
