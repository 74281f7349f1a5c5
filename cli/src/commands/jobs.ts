import { CALLS } from '@carillon/contracts'
import type { Command } from 'commander'
import { pagesOf } from '../client/pages.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printList } from '../output/table.ts'
import { CARILLON } from '../own-command.ts'
import { jobColumns, printJob } from './job-view.ts'
import { addJobsBackfillCommand } from './jobs-backfill.ts'
import { addJobsFileCommands } from './jobs-files.ts'
import { addJobsHistoryCommand } from './jobs-history.ts'
import { addJobsImportCommand } from './jobs-import.ts'
import { addJobsPreviewCommand } from './jobs-preview.ts'
import { addJobsPutCommand } from './jobs-put.ts'
import { addListOptions, type ListOptions } from './list-options.ts'
import { addRevisionOption, type RevisionOption, revisionOf } from './revision-option.ts'

/** `carillon jobs …`. */
export function addJobsCommands(program: Command): void {
  const jobs = program
    .command('jobs')
    .description('what runs when: put, preview, list, get, history, pause, resume, release, rm, export, apply, import')
  addJobsPutCommand(jobs)
  addJobsPreviewCommand(jobs)
  addJobsBackfillCommand(jobs)
  addListOptions(jobs.command('list').alias('ls').description('jobs by name')).action(listJobs)
  addByName(jobs, { verb: 'get', description: 'one job', call: CALLS.jobsGet })
  jobs.command('pause').description('take no further slots').argument('<name>').option('--note <text>', 'why').action(pauseJob)
  addByName(jobs, { verb: 'resume', description: 'take slots again, from now on', call: CALLS.jobsResume })
  addByName(jobs, {
    verb: 'release',
    description: 'give a job that was edited back to the code that declares it: its newest declaration is in force',
    call: CALLS.jobsRelease,
  })
  addJobsHistoryCommand(jobs)
  addRevisionOption(jobs.command('rm'))
    .alias('remove')
    .description('remove a job; its runs that wait for their time end, those that run go on')
    .argument('<name>')
    .option('--keep-runs', 'also those that wait stay')
    .action(removeJob)
  addJobsFileCommands(jobs)
  addJobsImportCommand(jobs)
}

async function listJobs({ limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.jobsList, { limit, cursor }))
    const empty = `No jobs yet. Make one: ${CARILLON} jobs put report --cron '*/5 * * * * *'${invocation.repeated}`
    await printList(invocation.terminal, pages, { all: all === true, columns: jobColumns(), empty })
  })
}

type NameCall = typeof CALLS.jobsGet

function addByName(jobs: Command, { verb, description, call }: { verb: string; description: string; call: NameCall }): void {
  jobs
    .command(verb)
    .description(description)
    .argument('<name>')
    .action(async (name: string, _options: unknown, self: Command) => {
      const invocation = invocationOf(self)
      await withClient(invocation, async (client) => printJob(invocation.terminal, await client.call(call, { name })))
    })
}

async function pauseJob(name: string, { note }: { note?: string }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const request = { name, ...(note === undefined ? {} : { note }) }
  await withClient(invocation, async (client) => printJob(invocation.terminal, await client.call(CALLS.jobsPause, request)))
}

const DECLARED = 'code declares this job: the next executor that starts with it creates it again; to stop it, pause it instead'

async function removeJob(name: string, options: { keepRuns?: boolean } & RevisionOption, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const { version } = await client.call(CALLS.jobsGet, { name })
    const outcome = await client.call(CALLS.jobsRemove, { name, keepRuns: options.keepRuns === true, ...revisionOf(options) })
    if (invocation.terminal.json) invocation.terminal.value({ name, ...outcome })
    else {
      invocation.terminal.print(`removed ${name}; its runs: ${CARILLON} runs list --job ${name}${invocation.repeated}`)
      if (version !== undefined) invocation.terminal.note(DECLARED)
    }
  })
}
