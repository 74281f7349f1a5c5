import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { within } from '@carillon/wire/testing'
import type { HostedCommand, HostedOutcome } from './carillon-main.ts'
import type { Cleanup } from './cleanup.ts'
import { fork, type LaunchOptions, launch, messageOf, type TestProcess } from './processes.ts'

/** The real command, as npm links it. */
const BIN = fileURLToPath(new URL('../../../cli/bin/carillon.js', import.meta.url))
/** Executes many. */
const HOST = fileURLToPath(new URL('carillon-main.js', import.meta.url))

export interface CliOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Standard output as one JSON value. */
  json<Value = Record<string, unknown>>(): Value
}

/** Runs `carillon …` to its end. */
export type Cli = (args: readonly string[], options?: LaunchOptions) => Promise<CliOutcome>

/** @param url becomes `--nats`; undefined: none is given */
export function cliFor(cleanup: Cleanup, url: string | undefined): Cli {
  return async (args, options) => {
    const launched = startCli(cleanup, url === undefined ? args : [...args, '--nats', url], options)
    const { code } = await launched.exited
    return outcomeOf({ code, stdout: launched.stdout(), stderr: launched.stderr() }, args)
  }
}

/**
 * Like `cliFor`, for tests that execute many commands: all share one process, which executes them sequentially. So no single command can receive a signal.
 * @param url becomes `--nats`; undefined: none is given
 */
export function sharedCliFor(cleanup: Cleanup, url: string | undefined): Cli {
  let host: TestProcess | undefined
  let last: Promise<unknown> = Promise.resolve()
  const execute = async (command: HostedCommand) => {
    host ??= fork(cleanup, HOST, {})
    const answered = messageOf(host)
    host.child.send(command)
    return (await answered) as HostedOutcome
  }
  return async (given, { env, cwd, input } = {}) => {
    const args = url === undefined ? given : [...given, '--nats', url]
    const folder = cwd === undefined ? {} : { cwd: String(cwd) }
    const executed = last.then(() =>
      execute({ args, env: { NO_COLOR: '1', ...env }, ...folder, ...(input === undefined ? {} : { input }) }),
    )
    last = executed.catch(() => undefined)
    return outcomeOf(await executed, args)
  }
}

function outcomeOf(outcome: Omit<CliOutcome, 'json'>, args: readonly string[]): CliOutcome {
  const { stdout, stderr } = outcome
  return {
    ...outcome,
    json: () => {
      try {
        return JSON.parse(stdout)
      } catch {
        return assert.fail(`no JSON of carillon ${args.join(' ')}: ${stdout}\n${stderr}`)
      }
    },
  }
}

/** Starts `carillon …` and leaves it running. */
export function startCli(cleanup: Cleanup, args: readonly string[], options: LaunchOptions = {}): TestProcess {
  return launch(cleanup, [process.execPath, BIN, ...args], { ...options, env: { NO_COLOR: '1', ...options.env } })
}

/** A mesh that was started with `carillon up`. */
export interface UpMesh {
  readonly url: string
  readonly data: string
  readonly process: TestProcess
  /** Of nats-server, and of the demo executor. */
  readonly pids: { readonly nats: number; readonly demo: number | undefined }
}

/** `carillon up --port 0 --data <folder>`, waited for until it is ready. Its process leads a group of its own, as in a terminal. */
export async function startUp(cleanup: Cleanup, options: { data?: string; demo?: boolean; port?: number } = {}): Promise<UpMesh> {
  const { data = cleanup.folder(), demo = true, port = 0 } = options
  const args = ['up', ...(demo ? ['--demo'] : []), '--port', String(port), '--data', data]
  const launched = startCli(cleanup, args, { detached: true })
  // Asked, not killed: what it started must end with it.
  cleanup.add('carillon up', async () => {
    launched.signal('SIGTERM')
    await within(60_000, 'carillon up ends after SIGTERM', launched.exited)
  })
  const [, url = ''] = await launched.shows(/^Carillon is ready · (nats:\/\/\S+)$/m)
  const pidOf = (pattern: RegExp) => Number(pattern.exec(launched.stdout())?.[1])
  const pids = { nats: pidOf(/nats-server at .*\(process (\d+)\)/), demo: demo ? pidOf(/the demo: .*\(process (\d+)\)/) : undefined }
  return { url, data, process: launched, pids }
}
