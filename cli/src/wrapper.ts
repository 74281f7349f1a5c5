import { readFileSync } from 'node:fs'
import { every } from './clock.ts'

/** The part of `process` that this needs. */
export interface OwnProcess {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  /** Of the parent right now. */
  readonly ppid: number
  kill(pid: number, signal: NodeJS.Signals): unknown
}

/** What /proc shows of other processes; undefined where there is none, or when the process is gone. */
export interface OtherProcesses {
  parentOf(pid: number): number | undefined
  commandOf(pid: number): string | undefined
}

const LOOK_EVERY_MS = 500
/** The parent of an orphaned process: the first process, which may be npm itself in a container, or the user's systemd. */
const FIRST_PROCESS = 1
const [ADOPTS, RUNS_COMMANDS] = [/(^|\/)systemd\b/, /\b(npm|npx|pnpm|yarn|bun|node)\b/]

/**
 * npm and npx run a command below a shell. They pass SIGTERM on to the shell alone: it dies, and this process would be orphaned;
 * with SIGHUP or SIGKILL they die and leave both behind. So when one of the two is gone, this process gets SIGHUP, as when a terminal is
 * closed. The shell of npx waits for us: when it is gone before we could know it, npx was ended while node was being loaded. Others are left
 * alone: a process that was started in the background of a shell is to outlive that shell.
 */
export function endWithWrapper(own: OwnProcess, others: OtherProcesses = { parentOf: parentFromProc, commandOf: commandFromProc }): void {
  if (own.env['npm_execpath'] === undefined && own.env['npm_command'] === undefined) return
  if (own.env['npm_command'] === 'exec' && isAdopted(own.ppid, others.commandOf(own.ppid))) {
    own.kill(own.pid, 'SIGHUP')
    return
  }
  const ancestors = () => `${own.ppid} ${others.parentOf(own.ppid)}`
  const wrappers = ancestors()
  const stop = every(LOOK_EVERY_MS, () => {
    if (ancestors() === wrappers) return
    stop()
    own.kill(own.pid, 'SIGHUP')
  })
}

function isAdopted(parent: number, command: string | undefined): boolean {
  if (command === undefined) return false
  return ADOPTS.test(command) || (parent === FIRST_PROCESS && !RUNS_COMMANDS.test(command))
}

function commandFromProc(pid: number): string | undefined {
  return readFromProc(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ')
}

function parentFromProc(pid: number): number | undefined {
  // The name of the process, in parentheses, may hold anything.
  const [, parent] = /^.*\) \S (\d+)/s.exec(readFromProc(`/proc/${pid}/stat`) ?? '') ?? []
  return parent === undefined ? undefined : Number(parent)
}

function readFromProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined
    throw error
  }
}
