import { stat } from 'node:fs/promises'
import type { TaskContext } from '@carillon/sdk'
import type { Clock } from '@carillon/wire/internal'
import { refusal } from '../refusal.ts'
import type { AllowList } from './allow-list.ts'
import type { CommandPayload } from './command-definition.ts'
import { runProcess } from './run-process.ts'

/** What an executor of `command` allows. */
export interface CommandSettings {
  readonly allow: AllowList
  /** The names of variables that a task may set, with the value of those that the executor itself has. */
  readonly env: ReadonlyMap<string, string | undefined>
  readonly clock: Clock
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const [LAST_LINES, LAST_LETTERS] = [20, 1_000]
/** Of an error, of which 8 KiB are kept. */
const ERROR_LETTERS = 2_000
/** A line of standard output that is progress instead of a log line: `::progress 40 half of the files`. */
const PROGRESS = /^::progress (\d{1,3}(?:\.\d+)?)(?: (.*))?$/

/** The function of `commandHandler`. */
export function commandRunner({ allow, env: allowed, clock }: CommandSettings) {
  return async (ctx: TaskContext<CommandPayload>) => {
    const { command, args = [], cwd, stdin = '', successCodes = [0] } = ctx.payload
    const path = await allow.resolve(command, args)
    const env = { PATH, ...inherited(allowed), ...checkedEnv(ctx.payload.env, allowed), ...factsOf(ctx) }
    await checkFolder(cwd)
    const lines: string[] = []
    const onLine = (line: string, stream: 'stdout' | 'stderr') => {
      if (stream === 'stdout' && isProgress(ctx, line)) return
      ctx.log[stream === 'stdout' ? 'info' : 'warn'](line)
      if (lines.push(line.slice(0, LAST_LETTERS)) > LAST_LINES) lines.shift()
    }
    const startedAt = clock.monotonic()
    const { code, signal } = await runProcess({ path, args, cwd, env, stdin }, { clock, signal: ctx.signal, onLine })
    const durationMs = Math.round(clock.monotonic() - startedAt)
    if (code === null || !successCodes.includes(code)) throw new Error(failureText({ command, code, signal, lines }))
    return { code, signal, durationMs, lines }
  }
}

function isProgress(ctx: TaskContext, line: string): boolean {
  const [, percent, note] = PROGRESS.exec(line) ?? []
  if (percent === undefined || Number(percent) > 100) return false
  ctx.progress(Number(percent), note)
  return true
}

function inherited(allowed: CommandSettings['env']): Record<string, string> {
  return Object.fromEntries([...allowed].filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function checkedEnv(given: CommandPayload['env'], allowed: CommandSettings['env']): Record<string, string> {
  for (const name of Object.keys(given ?? {})) {
    if (allowed.has(name)) continue
    const hint = allowed.size === 0 ? 'This executor allows none (--env).' : `This executor allows: ${[...allowed.keys()].join(', ')}.`
    throw refusal('env', name, hint)
  }
  return given ?? {}
}

/** What a program may want to know of its task. */
function factsOf({ runId, attempt, job, slot, shard }: TaskContext): Record<string, string> {
  return {
    CARILLON_RUN_ID: runId,
    CARILLON_ATTEMPT: String(attempt),
    ...(job !== undefined && { CARILLON_JOB: job }),
    ...(slot !== undefined && { CARILLON_SLOT: slot }),
    ...(shard && { CARILLON_SHARD_INDEX: String(shard.index), CARILLON_SHARD_TOTAL: String(shard.total) }),
  }
}

/** The system says of a folder that is missing that the program is. */
async function checkFolder(cwd: string | undefined): Promise<void> {
  if (cwd === undefined) return
  const isFolder = await stat(cwd).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder) throw refusal('cwd', cwd, 'Give the absolute path of a folder that exists where the executor runs.')
}

interface Ended {
  readonly command: string
  readonly code: number | null
  readonly signal: string | null
  readonly lines: readonly string[]
}

function failureText({ command, code, signal, lines }: Ended): string {
  const how = code === null ? `was ended by ${signal}` : `ended with code ${code}`
  return `${command} ${how}${lines.length === 0 ? ' and printed nothing' : `; its last lines:\n${lines.join('\n').slice(-ERROR_LETTERS)}`}`
}
