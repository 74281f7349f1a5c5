import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from '@carillon/wire/testing'
import type { Cleanup } from './cleanup.ts'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A child process whose output is kept. */
export interface TestProcess {
  readonly pid: number
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  stdout(): string
  stderr(): string
  /** Resolves with the match as soon as the output holds one; fails when the process ends before. */
  shows(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>
  signal(signal: NodeJS.Signals): void
  /** To its whole process group, as a terminal does; the process must have been started with `detached`. */
  signalGroup(signal: NodeJS.Signals): void
  kill9(): Promise<Exit>
}

export interface LaunchOptions extends Pick<SpawnOptions, 'cwd' | 'detached' | 'env'> {
  /** Text for its standard input; without it there is none. */
  readonly input?: string
  /** A channel for messages of node. */
  readonly ipc?: boolean
  /** It starts processes that are meant to stay after it; the test that requested them ends them. */
  readonly isDaemon?: boolean
}

/** Every process started from here, and what it starts, carries this in its environment: so what is left over can be found. */
const MARK = 'CARILLON_TEST_MARK'
const END_WITHIN_MS = 10_000

/** Starts a process. At the end of the test it is killed, and the test fails if anything that it started still runs. */
export function launch(cleanup: Cleanup, command: readonly [string, ...string[]], options: LaunchOptions = {}): TestProcess {
  const { input, ipc, isDaemon, ...rest } = options
  const mark = randomUUID()
  const stdin = input === undefined ? 'ignore' : 'pipe'
  const [file, ...args] = command
  const child = spawn(file, args, {
    ...rest,
    env: { ...process.env, ...rest.env, [MARK]: mark },
    stdio: ipc ? [stdin, 'pipe', 'pipe', 'ipc'] : [stdin, 'pipe', 'pipe'],
  })
  child.stdin?.end(input)
  const launched = follow(child, command.join(' '))
  cleanup.add(command.slice(0, 3).join(' '), async () => {
    await launched.kill9()
    if (!isDaemon) await nothingLeft(mark, command.join(' '))
  })
  return launched
}

function follow(child: ChildProcess, what: string): TestProcess {
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
    })
  }
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const exited = new Promise<Exit>((resolve, reject) => {
    // After `close` the output is complete; `exit` alone may come before the last of it. Grandchildren may hold the pipes longer.
    child.once('exit', (code, signal) => {
      const end = () => resolve({ code, signal })
      setTimeout(end, 500).unref()
      child.once('close', end)
    })
    child.once('error', reject)
  })
  exited.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    child,
    exited,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    shows: (pattern, withinMs = 60_000) => shown({ text, hasEnded, what }, pattern, withinMs),
    signal: (signal) => void child.kill(signal),
    signalGroup: (signal) => void process.kill(-(child.pid as number), signal),
    kill9: async () => {
      if (!hasEnded()) child.kill('SIGKILL')
      return exited
    },
  }
}

async function shown(
  { text, hasEnded, what }: { text: { stdout: string; stderr: string }; hasEnded: () => boolean; what: string },
  pattern: RegExp,
  withinMs: number,
): Promise<RegExpExecArray> {
  const look = () => pattern.exec(text.stdout) ?? pattern.exec(text.stderr)
  const output = () => `\n--- stdout\n${text.stdout}\n--- stderr\n${text.stderr}`
  const found = await eventually(`${what} shows ${pattern}`, () => look() ?? (hasEnded() ? 'ended' : undefined), { withinMs }).catch(
    (error: Error) => {
      throw new Error(`${error.message}${output()}`)
    },
  )
  const match = found === 'ended' ? look() : found
  if (match === null) throw new Error(`${what} ended before it showed ${pattern}${output()}`)
  return match
}

/** Starts a module of this package as a process of node with a channel for messages. */
export function fork(cleanup: Cleanup, module: string, environment: Readonly<Record<string, string>>): TestProcess {
  return launch(cleanup, [process.execPath, module], { ipc: true, env: environment })
}

/** The next message of a forked process. */
export async function messageOf({ child, exited, stderr }: TestProcess): Promise<unknown> {
  const ended = exited.then(({ code, signal }) => {
    throw new Error(`the process ended (${signal ?? code}) instead of answering:\n${stderr()}`)
  })
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown]
  return message
}

/** Whether a process runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Processes that carry the mark; elsewhere than on Linux nobody can tell. */
function carriersOf(mark: string): { pid: number; command: string }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}`)) return []
      return isAlive(Number(pid)) ? [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') }] : []
    } catch {
      return []
    }
  })
}

async function nothingLeft(mark: string, what: string): Promise<void> {
  if (process.platform !== 'linux') return
  // What was asked to stop together with its parent may need a moment.
  const isClean = await eventually('gone', () => carriersOf(mark).length === 0, { withinMs: END_WITHIN_MS, everyMs: 50 }).catch(() => false)
  if (isClean) return
  const left = carriersOf(mark)
  for (const { pid } of left) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  throw new Error(`left over of ${what}: ${left.map(({ pid, command }) => `${pid} ${command}`).join('; ')}`)
}
