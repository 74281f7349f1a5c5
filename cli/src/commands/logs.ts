import { CALLS, type CallInput, checkName, isEnded, LIMITS, LOG_LEVELS, type LogLevel, type LogView, type Page } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseChoice, parseWhole, wrong } from '../arguments/scalars.ts'
import { parseSince } from '../arguments/since.ts'
import type { Client } from '../client/client.ts'
import { pagesOf } from '../client/pages.ts'
import { now } from '../clock.ts'
import { followLogs } from '../following/follow-logs.ts'
import { type Invocation, invocationOf, withClient } from '../invocation.ts'
import { writeArray } from '../output/json-array.ts'
import { logText } from '../output/log-text.ts'
import { runText } from '../output/run-text.ts'
import { CARILLON } from '../own-command.ts'

type LogQuery = CallInput<typeof CALLS.logsQuery>

interface LogsOptions {
  readonly follow?: true
  readonly level?: LogLevel
  readonly text?: string
  readonly limit?: number
  readonly newest?: true
  readonly job?: string
  readonly instance?: string
  readonly since?: string
  readonly until?: string
}

const HELP = `
Shows all stored lines. With -f it goes on until the run ends; with -f --json each line is an object of its own.
Without a run, the lines of all runs are searched, newest first (at most 200, or --limit): by --job, --instance, --level, --text, --since, --until.`

/** `carillon logs <run>`. */
export function addLogsCommand(program: Command): void {
  program
    .command('logs')
    .description('the log lines of a run, or those of all runs that pass filters')
    .argument('[run]')
    .option('-f, --follow', 'then go on live, until the run ends')
    .option('--level <level>', `lines of this level and above: ${LOG_LEVELS.join(', ')}`, (text) =>
      parseChoice('--level', text, LOG_LEVELS),
    )
    .option('--text <text>', 'lines that contain this')
    .option('--limit <n>', 'at most that many lines', (text) => parseWhole('--limit', text, { min: 1, max: Number.MAX_SAFE_INTEGER }))
    .option('--newest', 'newest first')
    .option('--job <name>', 'of runs of this job', (text) => checkName('--job', text))
    .option('--instance <name>', 'that this instance has written', (text) => checkName('--instance', text))
    .option('--since <time>', 'from then on: a duration such as 1h, or a time', (text) => parseSince('--since', text))
    .option('--until <time>', 'before then, in the same way', (text) => parseSince('--until', text))
    .addHelpText('after', HELP)
    .action(async (runId: string | undefined, options: LogsOptions, self: Command) => {
      const invocation = invocationOf(self)
      if (runId === undefined) return searchLogs(invocation, options)
      const ofMany = (['job', 'instance', 'since', 'until'] as const).find((option) => options[option] !== undefined)
      if (ofMany) throw wrong(`--${ofMany}`, String(options[ofMany]), 'It goes without a run.')
      if (options.follow && options.newest) throw wrong('--newest', 'true', 'It does not go with --follow.')
      if (options.follow && options.limit !== undefined) throw wrong('--limit', String(options.limit), 'It does not go with --follow.')
      await withClient(invocation, async (client) => {
        if (options.follow) process.exitCode = await followLogs({ client, invocation }, runId, acceptorOf(options))
        else await printLogs({ client, invocation }, runId, options)
      })
    })
}

const FOUND = 200

/** Lines of all runs, each with its run. */
async function searchLogs(invocation: Invocation, { follow, newest, limit = FOUND, ...filters }: LogsOptions): Promise<void> {
  const { terminal } = invocation
  if (follow) throw wrong('--follow', 'true', 'Name a run.')
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.logsSearch, { ...filters, limit: Math.min(limit, LIMITS.pageSize), cursor }))
    const batches = firstOf(pages, limit)
    if (terminal.json) return writeArray(terminal, batches)
    let isEmpty = true
    for await (const lines of batches) {
      isEmpty &&= lines.length === 0
      await terminal.write(lines.map((line) => `${line.runId} ${logText(terminal, line, now())}\n`).join(''))
    }
    if (isEmpty) terminal.note('No line passes these filters.')
  })
}

async function printLogs({ client, invocation }: { client: Client; invocation: Invocation }, runId: string, options: LogsOptions) {
  const { terminal } = invocation
  const batches = linesOf(client, queryOf(runId, options), options.limit ?? Number.POSITIVE_INFINITY)
  if (terminal.json) return writeArray(terminal, batches)
  let isEmpty = true
  for await (const lines of batches) {
    isEmpty &&= lines.length === 0
    await terminal.write(lines.map((line) => `${logText(terminal, line, now())}\n`).join(''))
  }
  if (!isEmpty) return
  // Throws RUN_NOT_FOUND if that is why there are none.
  const run = await client.call(CALLS.runsGet, { runId })
  const advice = isEnded(run.state) ? '' : ` Follow it: ${CARILLON} logs ${runId} -f${invocation.repeated}`
  terminal.note(`No such lines. The run: ${runText(terminal, run, now())}.${advice}`)
}

/** Stored lines, page by page, and no more of them than are wanted. */
function linesOf(client: Client, query: LogQuery, wanted: number): AsyncGenerator<readonly LogView[]> {
  return firstOf(
    pagesOf((cursor) => client.call(CALLS.logsQuery, { ...query, cursor })),
    wanted,
  )
}

async function* firstOf(pages: AsyncIterable<Page<LogView>>, wanted: number): AsyncGenerator<readonly LogView[]> {
  let left = wanted
  for await (const { items } of pages) {
    yield items.slice(0, left)
    left -= items.length
    if (left <= 0) return
  }
}

function queryOf(runId: string, { level, text, limit, newest }: LogsOptions): LogQuery {
  return {
    runId,
    level,
    text,
    limit: Math.min(limit ?? LIMITS.pageSize, LIMITS.pageSize),
    order: newest ? 'newest' : 'oldest',
  }
}

/** The filter of the query, for live lines. */
function acceptorOf({ level, text }: LogsOptions): (line: LogView) => boolean {
  const least = LOG_LEVELS.indexOf(level ?? 'debug')
  return (line) => LOG_LEVELS.indexOf(line.level) >= least && (text === undefined || line.message.includes(text))
}
