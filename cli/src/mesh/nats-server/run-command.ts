import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { duration, TimeLimit } from './time-limit.ts'

/** The end of what a command printed; a failed build can print megabytes. */
const MAX_OUTPUT_CHARACTERS = 65_536

export interface CommandOptions {
  readonly environment: NodeJS.ProcessEnv
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly workingDirectory?: string
  /** Called with every line of stdout and stderr, for progress. */
  readonly onLine?: (line: string) => void
}

export interface CommandResult {
  readonly succeeded: boolean
  /** stdout and stderr as they came, at most the last 64 KiB. */
  readonly output: string
  /** Why it failed, in one line; empty when it succeeded. */
  readonly why: string
}

/**
 * Runs a command to its end. A failure is a result, not an exception. The command has its own process group, so that
 * the time limit and the signal also end what it started (compilers, download methods).
 */
export async function runCommand(command: string, parameters: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const limit = new TimeLimit()
  limit.renew(options.timeoutMs, `took longer than ${duration(options.timeoutMs)}`)
  const signal = options.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, options.signal])
  const child = spawn(command, parameters, {
    cwd: options.workingDirectory,
    env: options.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const onAbort = (): void => killGroup(child)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await resultOf(child, { name: [command, ...parameters.slice(0, 1)].join(' '), onLine: options.onLine, signal })
  } finally {
    limit.clear()
    signal.removeEventListener('abort', onAbort)
  }
}

interface ResultOptions {
  readonly name: string
  readonly onLine: CommandOptions['onLine']
  readonly signal: AbortSignal
}

function resultOf(child: ChildProcess, { name, onLine, signal }: ResultOptions): Promise<CommandResult> {
  let output = ''
  let lastLine = ''
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      output = `${output}${line}\n`.slice(-MAX_OUTPUT_CHARACTERS)
      if (line.trim() !== '') lastLine = line.trim()
      onLine?.(line)
    })
  }
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ succeeded: false, output, why: `${name}: ${error.message}` }))
    child.once('close', (code, killedBy) => {
      const ending = signal.aborted ? reasonOf(signal) : code === null ? `was ended by ${killedBy}` : `failed with exit code ${code}`
      const why = code === 0 ? '' : `${name} ${ending}${lastLine === '' ? '' : `: ${lastLine}`}`
      resolve({ succeeded: code === 0, output, why })
    })
  })
}

function reasonOf(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : 'was aborted'
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // No process groups on Windows, or the group has just ended.
    child.kill('SIGKILL')
  }
}
