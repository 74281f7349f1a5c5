import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { type Clock, pause } from '@carillon/wire/internal'
import { LineSplitter } from './line-splitter.ts'

/** What is to run: a path and its arguments, no shell text. */
export interface Program {
  readonly path: string
  readonly args: readonly string[]
  readonly cwd: string | undefined
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Empty: it reads `/dev/null`. */
  readonly stdin: string
}

export interface Supervision {
  readonly clock: Clock
  /** Ends the whole process group: SIGTERM, and SIGKILL after a grace. */
  readonly signal: AbortSignal
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void
}

/** How a process ended: by itself with a code, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** After the abort of a task its attempt lasts 5 s: the processes must be gone by then. */
const GRACE_MS = 3_000
/** A process that outlives the program may hold its pipes for ever. */
const PIPES_MS = 1_000

/**
 * Starts a guard, then becomes the program. The guard is a member of the program's process group, reads descriptor 3 until it ends, which is when
 * this executor closes it or dies however it dies, and kills its own group: no process of it stays, and no signal is sent to a remembered number,
 * which may be another group by then. It is not a child of the program, which may wait for all of its children.
 * Arguments reach the program as they are: none becomes part of this text.
 */
const START = `
trap '' TERM INT HUP
( ( exec </dev/null >/dev/null 2>&1; read -r _ <&3; kill -KILL 0 ) & )
trap - TERM INT HUP
exec "$@" 3<&-`

/**
 * Runs a program in a process group of its own, and ends the group when the program has ended, when the task is aborted, and when this process dies.
 * @throws the reason of the signal when it aborts; the error of the system when the program cannot be started
 */
export async function runProcess(program: Program, { clock, signal, onLine }: Supervision): Promise<ProcessEnd> {
  signal.throwIfAborted()
  const { path, args, cwd, env, stdin } = program
  const stdio = [stdin === '' ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'] as 'pipe'[]
  const child = spawn('/bin/sh', ['-c', START, 'carillon', path, ...args], { cwd, env: { ...WITHIN_SHELL, ...env }, detached: true, stdio })
  const [input, stdout, stderr, guard] = child.stdio as unknown as [Writable | null, Readable, Readable, Writable]
  // A program that does not read its input, or a group that has killed its guard.
  for (const stream of [input, guard]) stream?.on('error', () => undefined)
  const outputs = [linesOf(stdout, (line) => onLine(line, 'stdout')), linesOf(stderr, (line) => onLine(line, 'stderr'))]
  input?.end(stdin)
  const stop = stopper(child, { clock, guard })
  signal.addEventListener('abort', stop.begin)
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    await settled(Promise.all(outputs.map(({ closed }) => closed)), { clock, withinMs: signal.aborted ? GRACE_MS : PIPES_MS })
    signal.throwIfAborted()
    return { code, signal: killedBy }
  } finally {
    signal.removeEventListener('abort', stop.begin)
    stop.cancel()
    for (const stream of [input, stdout, stderr, guard]) stream?.destroy()
    for (const { lines } of outputs) lines.end()
  }
}

/** Pipes of Node are sockets. On one as its input bash believes in a remote login, and reads `~/.bashrc`, unless it runs within another shell. */
const WITHIN_SHELL = { SHLVL: '1' }

/** An output is always read: a full pipe would stop the program. */
function linesOf(stream: Readable, onLine: (line: string) => void) {
  const lines = new LineSplitter(onLine)
  stream
    .setEncoding('utf8')
    .on('data', (text: string) => lines.push(text))
    .on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    stream.once('close', () => resolve())
  })
  return { lines, closed }
}

async function settled(reading: Promise<unknown>, { clock, withinMs }: { clock: Clock; withinMs: number }): Promise<void> {
  const waiting = new AbortController()
  await Promise.race([reading, pause(clock, withinMs, waiting.signal)])
  waiting.abort()
}

function stopper(child: ChildProcess, { clock, guard }: { clock: Clock; guard: Writable }) {
  let cancel = (): void => undefined
  const begin = () => {
    signalGroup(child, 'SIGTERM')
    const timer = clock.after(GRACE_MS, () => {
      signalGroup(child, 'SIGKILL')
      guard.destroy()
    })
    cancel = () => timer.cancel()
  }
  return { begin, cancel: () => cancel() }
}

/** Only while the child has not been waited for: until then the number of its group is taken. */
function signalGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // It has just ended, or it is another user's, and its guard is gone.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
