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

const LOOK_EVERY_MS = 500

/**
 * npm and npx run a command below a shell. SIGTERM they pass on to the shell alone: it dies, and we would go on without anyone who knows of us;
 * with SIGHUP or SIGKILL they die and leave both behind. So when one of the two is gone, this process hears SIGHUP, as when a terminal is
 * closed. Others are left alone: whoever starts us in the background of a shell that ends wants us to stay.
 */
export function endWithWrapper(own: OwnProcess, parentOf: (pid: number) => number | undefined = parentFromProc): void {
  if (own.env['npm_execpath'] === undefined && own.env['npm_command'] === undefined) return
  const ancestors = () => `${own.ppid} ${parentOf(own.ppid)}`
  const wrappers = ancestors()
  const stop = every(LOOK_EVERY_MS, () => {
    if (ancestors() === wrappers) return
    stop()
    own.kill(own.pid, 'SIGHUP')
  })
}

/** The parent of another process; undefined where there is no /proc to say so. */
function parentFromProc(pid: number): number | undefined {
  try {
    // The name of the process, in parentheses, may hold anything.
    const [, parent] = /^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return parent === undefined ? undefined : Number(parent)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
